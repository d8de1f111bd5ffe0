import fs from "node:fs";
import { posix } from "node:path";
import { joinRaw, readIfThere, writeAtomically } from "../../fs/files.ts";

/** A directory into which we installed hooks. */
export interface RecordedDirectory {
  readonly path: Buffer;
  /** We created it, so removal deletes it unless others use it. */
  readonly made: boolean;
}

/**
 * Reads which directories have our hooks; core.hooksPath may name another one by the time they are removed.
 * Paths are stored relative to the repository, so that the project can move.
 */
export function readRecord(commonDir: string): RecordedDirectory[] {
  const text = readIfThere(fileOf(commonDir))?.toString();
  return parse(text).map(({ path, made }) => ({
    path: Buffer.from(posix.resolve(latin1(commonDir), path), "latin1"),
    made,
  }));
}

/** Writes the record if it has changed, and deletes it if there are no directories. */
export function writeRecord(commonDir: string, directories: readonly RecordedDirectory[]): void {
  const file = fileOf(commonDir);
  if (directories.length === 0) {
    fs.rmSync(file, { force: true });
    return;
  }
  const entries = directories.map(({ path, made }) => ({
    path: posix.relative(latin1(commonDir), path.toString("latin1")),
    made,
  }));
  const text = `${JSON.stringify({ directories: entries }, undefined, 2)}\n`;
  if (readIfThere(file)?.toString() !== text) writeAtomically(file, text, { mode: 0o644 });
}

const fileOf = (commonDir: string) => `${commonDir}/ikigai-hooks.json`;
const latin1 = (path: string) => joinRaw(path).toString("latin1");

/** An unreadable record counts as empty: the directories in use are checked anyway. */
function parse(text: string | undefined): { path: string; made: boolean }[] {
  if (text === undefined) return [];
  try {
    const record: unknown = JSON.parse(text);
    if (typeof record !== "object" || record === null || !("directories" in record)) return [];
    return Array.isArray(record.directories) ? record.directories.filter(isEntry) : [];
  } catch {
    return [];
  }
}

function isEntry(entry: unknown): entry is { path: string; made: boolean } {
  return (
    typeof entry === "object" &&
    entry !== null &&
    "path" in entry &&
    typeof entry.path === "string" &&
    "made" in entry &&
    typeof entry.made === "boolean"
  );
}
