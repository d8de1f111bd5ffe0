/** An identifier, always quoted. */
export function ident(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A string literal that means the same whatever `standard_conforming_strings` says. */
export function literal(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes("\\") ? ` E${quoted.replaceAll("\\", "\\\\")}` : quoted;
}

/** `schema.name`, both quoted. */
export function qualified(schema: string, name: string): string {
  return `${ident(schema)}.${ident(name)}`;
}

/** Storage options (`{fillfactor=70}`) as they are written in `WITH (…)`; "" where there are none. */
export function options(list: readonly string[] | null, prefix = ""): string {
  return (list ?? [])
    .map((entry) => {
      const at = entry.indexOf("=");
      return `${prefix}${ident(entry.slice(0, at))}=${literal(entry.slice(at + 1))}`;
    })
    .join(", ");
}

/** Options of foreign tables and their columns, as `OPTIONS (…)` takes them. */
export function foreignOptions(list: readonly string[] | null): string {
  return (list ?? [])
    .map((entry) => {
      const at = entry.indexOf("=");
      return `${ident(entry.slice(0, at))} ${literal(entry.slice(at + 1))}`;
    })
    .join(", ");
}
