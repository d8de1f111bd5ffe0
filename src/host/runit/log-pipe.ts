import fs from "node:fs";
import { codeOf } from "../fs/files.ts";

/** What lies in the pipe between a service and its svlogd. */
export interface LogPipe {
  /** Appends what nobody has read to a log, and lets go. */
  writeTo(log: string): void;
  close(): void;
}

/**
 * Holds on to the pipe that an svlogd reads from. A place that is used for another
 * service keeps its pipe, and not one line in it may end in that one's log.
 * Undefined where the system does not show it (proc(5), `fd/`).
 */
export function restOfLog(svlogd: number): LogPipe | undefined {
  let pipe: number;
  try {
    pipe = fs.openSync(
      `/proc/${svlogd}/fd/0`,
      fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0),
    );
  } catch {
    return undefined;
  }
  return {
    writeTo(log) {
      const text = readAll(pipe);
      fs.closeSync(pipe);
      if (text.length > 0) fs.appendFileSync(log, text);
    },
    close: () => fs.closeSync(pipe),
  };
}

function readAll(pipe: number): Buffer {
  const parts: Buffer[] = [];
  for (;;) {
    const part = Buffer.alloc(65_536);
    try {
      const length = fs.readSync(pipe, part);
      if (length === 0) return Buffer.concat(parts);
      parts.push(part.subarray(0, length));
    } catch (error) {
      if (codeOf(error) === "EAGAIN") return Buffer.concat(parts);
      throw error;
    }
  }
}
