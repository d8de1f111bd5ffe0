import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import type { Layout } from "../model/layout.ts";
import type { RawPath } from "../model/worktree.ts";
import { joinRaw, linkAtomically, lstatIfThere } from "./files.ts";

/** How a command ended; `ended` when it was made to, because its worktree or the daemon goes. */
export type CommandResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly why: string; readonly ended?: boolean };

const LOOK_MS = 500;
const PATIENCE_MS = 2_000;
const LARGEST_LOG = 1_000_000;

/**
 * Runs one of the project's own commands in a worktree, with its environment. All
 * that it prints goes to `logs/<worktree>.setup/current`. It is ended, with all
 * that it started, when its worktree is removed or the daemon stops.
 */
export async function runCommand(
  layout: Layout,
  worktree: { readonly slug: string; readonly path: RawPath },
  argv: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<CommandResult> {
  // A path that is no text can be a working directory all the same, through a link.
  const cwd = `${layout.run}/${worktree.slug}.setup`;
  linkAtomically(worktree.path, cwd);
  const log = openLog(layout, worktree.slug);
  try {
    fs.writeSync(log, `$ ${argv.join(" ")}\n`);
    const [program = "", ...rest] = argv;
    const child = spawn(program, rest, {
      cwd,
      env: {
        ...process.env,
        ...environment,
        PATH: `${layout.bin}:${process.env.PATH ?? ""}`,
        NO_COLOR: "1",
      },
      stdio: ["ignore", log, log],
      // A group of its own, so that what it starts can be ended with it.
      detached: true,
    });
    return await ending(child, () => lstatIfThere(joinRaw(worktree.path, ".git")) !== undefined);
  } finally {
    fs.closeSync(log);
    fs.rmSync(cwd, { force: true });
  }
}

/** Kept over several runs, up to a size. */
function openLog(layout: Layout, slug: string): number {
  const directory = `${layout.logs}/${slug}.setup`;
  fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = `${directory}/current`;
  const large = (lstatIfThere(path)?.size ?? 0n) > BigInt(LARGEST_LOG);
  return fs.openSync(path, large ? "w" : "a", 0o600);
}

function ending(child: ChildProcess, isThere: () => boolean): Promise<CommandResult> {
  return new Promise((resolve) => {
    let ended = false;
    let killing: NodeJS.Timeout | undefined;
    const end = () => {
      if (ended) return;
      ended = true;
      signalGroup(child, "SIGTERM");
      killing = setTimeout(() => signalGroup(child, "SIGKILL"), PATIENCE_MS);
    };
    const looking = setInterval(() => {
      if (!isThere()) end();
    }, LOOK_MS);
    process.once("SIGTERM", end);
    const settle = (result: CommandResult) => {
      clearInterval(looking);
      clearTimeout(killing);
      process.off("SIGTERM", end);
      resolve(ended && !result.ok ? { ...result, ended } : result);
    };
    child.once("error", ({ message }) =>
      settle({ ok: false, why: `could not be started: ${message}` }),
    );
    child.once("exit", (code, signal) =>
      settle(
        code === 0
          ? { ok: true }
          : { ok: false, why: signal ? `was ended by ${signal}` : `ended with exit code ${code}` },
      ),
    );
  });
}

/** Only until its end has been noticed: from then on the number may be somebody else's. */
function signalGroup({ pid, exitCode, signalCode }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined || exitCode !== null || signalCode !== null) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}
