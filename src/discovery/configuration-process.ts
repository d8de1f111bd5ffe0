import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { deserialize } from "node:v8";
import type { Evaluated } from "./configuration-program.ts";

const PATIENCE_MS = 10_000;
const LARGEST = 16 * 1_048_576;
/** Limits the CPU time, so that an endless loop ends even if this process is killed. */
const LIMITED = 'ulimit -t 30; exec "$0" "$@"';

/**
 * Runs an approved configuration program in a process of its own, so that it cannot block this one. Kills
 * it with everything it started when it takes longer than `patience` milliseconds.
 */
export function evaluateApart(
  source: string,
  path: string,
  patience = PATIENCE_MS,
): Promise<Evaluated> {
  return new Promise((resolve) => {
    // The leader of a process group, so that what it started can be killed too.
    const child = spawn("/bin/sh", ["-c", LIMITED, process.execPath, entry()], {
      stdio: ["pipe", "ignore", "ignore", "pipe"],
      detached: true,
    });
    const end = () => {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      try {
        process.kill(-child.pid, "SIGKILL");
      } catch {
        // It has exited meanwhile.
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
      () => failed(`failed: it did not finish within ${patience / 1_000} s`),
      patience,
    );
    process.once("exit", end);
    let bytes = Buffer.alloc(0);
    const result = child.stdio[3] as NodeJS.ReadableStream;
    result.on("data", (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.length > LARGEST) failed("failed: it exports too much");
      // A process it started and left running may keep the pipe open.
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
    return { ok: false, message: "failed: it exited before it exported anything" };
  }
}

/** Finds the evaluator beside the bundle, or in `dist/` when tests run this file from source. */
function entry(): string {
  const bundled = fileURLToPath(new URL("./evaluate.js", import.meta.url));
  return existsSync(bundled)
    ? bundled
    : fileURLToPath(new URL("../../dist/evaluate.js", import.meta.url));
}
