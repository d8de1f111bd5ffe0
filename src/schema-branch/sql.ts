/** Quotes an identifier, always. */
export function ident(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Quotes a string literal so that it does not depend on `standard_conforming_strings`. */
export function literal(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes("\\") ? ` E${quoted.replaceAll("\\", "\\\\")}` : quoted;
}

/** Returns `schema.name`, both quoted. */
export function qualified(schema: string, name: string): string {
  return `${ident(schema)}.${ident(name)}`;
}

/** Renders storage options (`{fillfactor=70}`) for `WITH (…)`; "" if there are none. */
export function options(list: readonly string[] | null, prefix = ""): string {
  return (list ?? [])
    .map((entry) => {
      const at = entry.indexOf("=");
      return `${prefix}${ident(entry.slice(0, at))}=${literal(entry.slice(at + 1))}`;
    })
    .join(", ");
}

/** Renders options of foreign tables and their columns for `OPTIONS (…)`. */
export function foreignOptions(list: readonly string[] | null): string {
  return (list ?? [])
    .map((entry) => {
      const at = entry.indexOf("=");
      return `${ident(entry.slice(0, at))} ${literal(entry.slice(at + 1))}`;
    })
    .join(", ");
}
