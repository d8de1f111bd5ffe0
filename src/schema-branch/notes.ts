import type { SchemaModel } from "./types.ts";

/** How many objects are named per reason; a schema may have hundreds. */
const NAMED = 3;

/** Describes what a branch shares with its base or lacks; undefined if there is nothing. */
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
