import fs from "node:fs";
import type { RawPath } from "../../model/worktree.ts";
import { joinRaw, lstatIfThere } from "../fs/files.ts";
import type { Definitions } from "./definitions.ts";

/** How a service last ended by itself, and how often in a row. */
export interface Crash {
  readonly count: number;
  /** -1 after a signal. */
  readonly code: number;
  readonly signal: number;
  /** Milliseconds since the epoch, with a fraction. */
  readonly at: number;
}

/** Reads what `scripts/service/finish` recorded; undefined while the service is well or was stopped. */
export function lastCrash(definitions: Definitions, service: string): Crash | undefined {
  const stat = lstatIfThere(`${definitions.path(service)}/crashes`);
  const crashes = stat && definitions.crashes(service);
  return crashes ? { ...crashes, at: Number(stat.mtimeNs) / 1e6 } : undefined;
}

/** Describes the last end in one phrase. */
export function howItEnded({ code, signal }: { code: number; signal: number }): string {
  return `it ended with ${code >= 0 ? `exit code ${code}` : `signal ${signal}`}`;
}

/** Describes all failures in a row, in one phrase. */
export function howItFails({ count, code, signal }: Omit<Crash, "at">): string {
  const times = count > 1 ? `${count} times in a row ` : "";
  return `it failed ${times}(${code >= 0 ? `exit code ${code}` : `signal ${signal}`})`;
}

/**
 * Tells whether something in a directory changed after a time. Skips `node_modules` and hidden directories,
 * and gives up after the first few thousand files.
 */
export function changedAfter(directory: RawPath, time: number): boolean {
  const waiting: RawPath[] = [directory];
  let left = MOST_FILES;
  for (let place = waiting.pop(); place; place = waiting.pop()) {
    if (isAfter(place, time)) return true;
    for (const entry of entriesOf(place)) {
      if (left-- <= 0) return false;
      const path = joinRaw(place, entry.name);
      const name = entry.name.toString();
      if (!entry.isDirectory()) {
        if (isAfter(path, time)) return true;
      } else if (name !== "node_modules" && !name.startsWith(".")) waiting.push(path);
    }
  }
  return false;
}

const MOST_FILES = 4_000;

/** Uses ctime, because `cp -p`, `tar` and others set mtime back. */
function isAfter(path: RawPath, time: number): boolean {
  const stat = lstatIfThere(path);
  return stat !== undefined && Number(stat.ctimeNs) / 1e6 > time;
}

function entriesOf(directory: RawPath): fs.Dirent<Buffer>[] {
  try {
    return fs.readdirSync(Buffer.from(directory), { withFileTypes: true, encoding: "buffer" });
  } catch {
    return [];
  }
}
