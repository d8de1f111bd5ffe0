import type { SchemaModel } from "./types.ts";

/** So many objects are named for one reason; schemas may have hundreds. */
const NAMED = 3;

/** What of a base a branch shares with it or lacks, for people; undefined where it is all its own. */
export function describeNotes({
  as,
  notes,
}: Pick<SchemaModel, "as" | "notes">): string | undefined {
  const objects = new Map<string, string[]>();
  for (const { object, text } of notes) {
    objects.set(text, [...(objects.get(text) ?? []), object.replaceAll(`${as}.`, "")]);
  }
  const lines = [...objects].map(([text, names]) => {
    const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : "";
    return `${names.slice(0, NAMED).join(", ")}${more}: ${text}`;
  });
  return lines.join("; ") || undefined;
}
