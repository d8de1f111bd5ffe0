import fs from "node:fs";
import { codeOf } from "../fs/files.ts";

/** The unread content of the pipe between a service and its svlogd. */
export interface LogPipe {
  /** Appends the unread content to a log, and closes the pipe. */
  writeTo(log: string): void;
  close(): void;
}

/**
 * Opens the pipe that an svlogd reads from. A service directory reused for another service keeps its pipe,
 * and no line in it may end up in the other service's log. Undefined if the system does not expose the pipe
 * (proc(5), `fd/`).
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
