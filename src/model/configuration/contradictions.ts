interface Finding {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/**
 * Finds settings that are valid individually but not together. Works on the raw values, whatever their
 * types, so that these errors are reported together with all others.
 */
export function contradictions(raw: unknown): Finding[] {
  return [...samePort(raw), ...circles(raw), ...withoutHttp(raw)];
}

function samePort(raw: unknown): Finding[] {
  const http = get(raw, "http", "port") ?? 8888;
  const postgres = get(raw, "postgres", "port") ?? 15432;
  if (http !== postgres) return [];
  const given = get(raw, "http", "port") === undefined ? "postgres" : "http";
  const other = given === "http" ? "postgres.port" : "http.port";
  return [
    { path: [given, "port"], message: `is the same as ${other} (${http}); each needs its own` },
  ];
}

/** Finds settings that apply only to services with HTTP. */
function withoutHttp(raw: unknown): Finding[] {
  const services = get(raw, "services");
  return Object.keys(isRecord(services) ? services : {}).flatMap((name) => {
    if (get(services, name, "http") !== false) return [];
    return ["listen", "ready"]
      .filter((key) => get(services, name, key) !== undefined)
      .map((key) => ({
        path: ["services", name, key],
        message: "requires HTTP, but http is false",
      }));
  });
}

/** Finds each cycle of `after` once, reported at its first service. */
function circles(raw: unknown): Finding[] {
  const services = get(raw, "services");
  if (!isRecord(services)) return [];
  const done = new Set<string>();
  const found: Finding[] = [];
  const visit = (name: string, trail: readonly string[]): void => {
    const start = trail.indexOf(name);
    if (start >= 0) {
      const circle = [...trail.slice(start), name].map((part) => JSON.stringify(part));
      found.push({
        path: ["services", name, "after"],
        message: `is circular: ${circle.join(" → ")}`,
      });
      return;
    }
    if (done.has(name)) return;
    const after = get(services, name, "after");
    for (const next of Array.isArray(after) ? after : []) {
      if (typeof next === "string" && trail.length < 1_000) visit(next, [...trail, name]);
    }
    done.add(name);
  };
  for (const name of Object.keys(services)) visit(name, []);
  return found;
}

function get(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, key) => (isRecord(inner) && Object.hasOwn(inner, key) ? inner[key] : undefined),
    value,
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
