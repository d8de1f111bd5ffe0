import type { z } from "zod";
import { nearestName } from "../nearest-name.ts";

type Schema = z.core.JSONSchema.BaseSchema;

/** Suggests the key that an unknown one was probably meant to be, or lists the known ones. */
export function suggestionFor(root: Schema, path: readonly PropertyKey[], key: string): string {
  const known = Object.keys(at(root, path)?.properties ?? {}).filter((name) => name !== "$schema");
  const nearest = nearestName(key, known);
  if (nearest !== undefined) return `did you mean ${nearest}?`;
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

/** Returns all paths in the schema that end with this key. */
function pathsTo(schema: Schema, key: string, prefix = ""): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, inner]) => {
    if (typeof inner !== "object") return [];
    const here = name === key ? [`${prefix}${name}`] : [];
    return [...here, ...pathsTo(inner, key, `${prefix}${name}.`)];
  });
}
