import { readFileWithin } from "../host/fs/contained-file.ts";
import type { RawPath } from "../model/worktree.ts";
import { parseJsonWithComments } from "./json-with-comments.ts";

/** A `start` task, as it has to be approved. */
export interface StartTask {
  /** Its whole command, if it depends on no other task; passed to Deno as approved. */
  readonly command?: string;
  /** The content to approve: the command, else the whole file, as it may start other tasks. */
  readonly content: Buffer;
}

/** Reads the `start` task of a `deno.json` or `deno.jsonc`; undefined if there is none. */
export function startTaskOf(directory: RawPath, file: string): StartTask | undefined {
  const read = readFileWithin(directory, file);
  if (read.kind !== "read") return undefined;
  const task = parseJsonWithComments(read.content.toString(), "tasks", "start");
  if (task === undefined) return undefined;
  const command = commandOf(task);
  return command === undefined
    ? { content: read.content }
    : { command, content: Buffer.from(command) };
}

function commandOf(task: unknown): string | undefined {
  if (typeof task === "string") return task;
  if (typeof task !== "object" || task === null || "dependencies" in task) return undefined;
  return "command" in task && typeof task.command === "string" ? task.command : undefined;
}
