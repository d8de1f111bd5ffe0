import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { deserialize } from "node:v8";
import type { Evaluated } from "./configuration-program.ts";

const PATIENCE_MS = 10_000;
const LARGEST = 16 * 1_048_576;
/** Should we be killed meanwhile, a program that goes round and round ends by itself. */
const LIMITED = 'ulimit -t 30; exec "$0" "$@"';

/**
 * Runs an approved configuration program in a process of its own, which is ended with all that it
 * started when it takes longer than 10 s: whatever it does, nobody else stands still.
 */
export function evaluateApart(
  source: string,
  path: string,
  patience = PATIENCE_MS,
): Promise<Evaluated> {
  return new Promise((resolve) => {
    // The leader of a group, so that what it started can be ended too.
    const child = spawn("/bin/sh", ["-c", LIMITED, process.execPath, entry()], {
      stdio: ["pipe", "ignore", "ignore", "pipe"],
      detached: true,
    });
    const end = () => {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      try {
        process.kill(-child.pid, "SIGKILL");
      } catch {
        // It has ended meanwhile.
      }
    };
    const settle = (evaluated: Evaluated) => {
      clearTimeout(timer);
      end();
      process.off("exit", end);
      resolve(evaluated);
    };
    const failed = (message: string) => settle({ ok: false, message });
    const timer = setTimeout(
      () => failed(`failed: it has not ended within ${patience / 1_000} s`),
      patience,
    );
    process.once("exit", end);
    let bytes = Buffer.alloc(0);
    const result = child.stdio[3] as NodeJS.ReadableStream;
    result.on("data", (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.length > LARGEST) failed("failed: it exports too much");
      // What it has started and left may keep this open.
      else if (isWhole(bytes)) settle(read(bytes));
    });
    result.on("error", () => {});
    child.once("error", (error) => failed(`failed: ${error.message}`));
    child.once("close", () => settle(read(bytes)));
    child.stdin?.on("error", () => {});
    child.stdin?.end(JSON.stringify({ source, path }));
  });
}

function isWhole(bytes: Buffer): boolean {
  return bytes.length >= 4 && bytes.length >= 4 + bytes.readUInt32BE();
}

function read(bytes: Buffer): Evaluated {
  try {
    return deserialize(bytes.subarray(4)) as Evaluated;
  } catch {
    return { ok: false, message: "failed: it ended before it had exported anything" };
  }
}

/** Beside the bundle; the tests run this file as it stands. */
function entry(): string {
  const bundled = fileURLToPath(new URL("./evaluate.js", import.meta.url));
  return existsSync(bundled)
    ? bundled
    : fileURLToPath(new URL("../../dist/evaluate.js", import.meta.url));
}
