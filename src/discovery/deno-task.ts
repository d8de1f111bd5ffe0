import { readFileWithin } from "../host/fs/contained-file.ts";
import type { RawPath } from "../model/worktree.ts";
import { parseJsonWithComments } from "./json-with-comments.ts";

/** A `start` task as approval is asked for it. */
export interface StartTask {
  /** All that it runs, where it needs no other task: given to Deno as it was approved. */
  readonly command?: string;
  /** What approval covers: the command, else the whole file, whose other tasks it may start. */
  readonly content: Buffer;
}

/** The `start` task of a `deno.json` or `deno.jsonc`; undefined where it has none. */
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
