import { randomUUID } from "node:crypto";
import { joinRaw, sha256, toBuffer } from "../host/fs/files.ts";
import { readRegularFile } from "../host/fs/regular-file.ts";
import type { Configuration } from "../model/configuration/configuration.ts";
import { type RunFile, type Trustable, trustables } from "../model/trust.ts";
import type { RawPath, Service } from "../model/worktree.ts";
import type { ConfigurationProgram } from "./configuration.ts";
import { startTaskOf } from "./deno-task.ts";

export interface ApprovalScope {
  readonly path: RawPath;
  readonly services: readonly Service[];
  readonly configuration: Configuration;
  /** The configuration file, if it is a program. */
  readonly program?: ConfigurationProgram | undefined;
}

const LARGEST = 64 * 1_048_576;

/**
 * Reads everything in a worktree that needs approval. Call it again before every start, because a file may
 * have changed since.
 */
export function readApprovables(worktree: ApprovalScope): Trustable[] {
  const { configuration, program } = worktree;
  const runs = worktree.services.flatMap((service) => runOf(worktree.path, service));
  return trustables({ configuration, ...(program ? { program } : {}), runs }, sha256);
}

/** Returns the file in a backend's directory that starts it, if approval covers the whole file. */
export function wholeFileOf({ backend }: Service): string | undefined {
  if (backend?.launch.kind === "run") return "run";
  const isWhole = backend?.launch.kind === "deno-task" && backend.launch.command === undefined;
  return isWhole ? backend.launch.file : undefined;
}

export function runOf(top: RawPath, { name, backend }: Service): RunFile[] {
  if (!backend) return [];
  const { directory, launch } = backend;
  const within = (file: string) =>
    toBuffer(joinRaw(directory, file))
      .subarray(toBuffer(top).length + 1)
      .toString();
  if (launch.kind === "deno-task") {
    const content = startTaskOf(directory, launch.file)?.content ?? nothing("has no start task");
    return [{ kind: "task", service: name, path: `${within(launch.file)} tasks.start`, content }];
  }
  if (launch.kind !== "run") return [];
  const read = readRegularFile(joinRaw(directory, "run"), LARGEST);
  const content = read.kind === "read" ? read.content : nothing(read.message);
  return [{ kind: "run", service: name, path: within("run"), content }];
}

/** Returns unique content, so that no approval can cover a file that could not be read. */
function nothing(why: string): Buffer {
  return Buffer.from(`(${why}; ${randomUUID()})`);
}
