import { spawn } from "node:child_process";
import { constants } from "node:os";
import { codeOf } from "../../host/fs/files.ts";
import { UserError } from "../../model/user-error.ts";
import { takeLease } from "../client/lease-client.ts";
import { type Run, requireProject } from "../context.ts";

/** Keeps a worktree's services running while a command runs, and returns the command's exit code. */
export const lease: Run = async ({ cwd }, [target = "", program = "", ...args]) => {
  const { layout } = requireProject(cwd);
  const release = await takeLease(layout, target, cwd);
  try {
    return await runCommand(program, args);
  } finally {
    release();
  }
};

/**
 * Runs a command with this process's environment, directory and terminal; returns its exit code as a shell
 * would.
 */
function runCommand(program: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: "inherit" });
    // Forward signals that were sent to this process only. A terminal sends SIGINT to both already.
    const listeners = FORWARDED.map((signal) => {
      const listener = () => void (signal === "SIGINT" || child.kill(signal));
      process.on(signal, listener);
      return () => process.off(signal, listener);
    });
    const end = () => {
      for (const remove of listeners) remove();
    };
    child.once("error", (error) => {
      end();
      const missing = codeOf(error) === "ENOENT";
      const why = missing ? "was not found" : `could not be started: ${error.message}`;
      reject(new UserError(`${program} ${why}.`, missing ? `command -v ${program}` : undefined));
    });
    child.once("exit", (code, signal) => {
      end();
      resolve(code ?? 128 + (signal ? constants.signals[signal] : 0));
    });
  });
}

const FORWARDED = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
