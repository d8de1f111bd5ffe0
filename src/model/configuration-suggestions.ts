import type { z } from "zod";

type Schema = z.core.JSONSchema.BaseSchema;

/** What to say of an unknown key: the one that was probably meant, or all that there are. */
export function suggestionFor(root: Schema, path: readonly PropertyKey[], key: string): string {
  const known = Object.keys(at(root, path)?.properties ?? {}).filter((name) => name !== "$schema");
  const nearest = known
    .map((name) => ({ name, distance: distance(key.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0];
  if (nearest && nearest.distance <= Math.max(1, Math.floor(key.length / 3))) {
    return `did you mean ${nearest.name}?`;
  }
  const elsewhere = pathsTo(root, key);
  if (elsewhere.length > 0) return `did you mean ${elsewhere.join(" or ")}?`;
  return `known here: ${known.join(", ")}`;
}

function at(root: Schema, path: readonly PropertyKey[]): Schema | undefined {
  return path.reduce<Schema | undefined>((schema, part) => {
    const own = Object.hasOwn(schema?.properties ?? {}, part)
      ? schema?.properties?.[String(part)]
      : schema?.additionalProperties;
    return typeof own === "object" ? own : undefined;
  }, root);
}

/** Every place in the format where a key of this name belongs. */
function pathsTo(schema: Schema, key: string, prefix = ""): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, inner]) => {
    if (typeof inner !== "object") return [];
    const here = name === key ? [`${prefix}${name}`] : [];
    return [...here, ...pathsTo(inner, key, `${prefix}${name}.`)];
  });
}

/** Edits (insert, delete, replace, swap of neighbours) between two words. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swap = swapped ? (before[j - 2] ?? 0) + 1 : change;
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, change, swap));
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}
