import fs from "node:fs";
import { join } from "node:path";
import type { Layout } from "../../model/layout.ts";
import type { RawPath } from "../../model/worktree.ts";
import { joinRaw, linkAtomically, lstatIfThere } from "../fs/files.ts";
import { type CommandResult, killRecorded, runRecorded } from "./recorded-job.ts";

/** One of the project's commands for a new schema. */
export interface SetupCommand {
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** The name of this command and of the round: each new beginning of a schema is a round. */
  readonly step: string;
  readonly round: string;
}

const POLL_MS = 500;
const LARGEST_LOG = 1_000_000;

/**
 * Runs one of the project's commands in a worktree with its environment, once per round; waits for one that a
 * killed daemon left running. Its output goes to `logs/<worktree>.setup/current`. Ends it, and all that it
 * started, when its worktree is removed or `ending` is aborted because the daemon stops.
 */
export async function runSetupCommand(
  layout: Layout,
  worktree: { readonly slug: string; readonly path: RawPath },
  { argv, environment, step, round }: SetupCommand,
  ending: AbortSignal,
): Promise<CommandResult> {
  const records = recordsOf(layout);
  const record = join(records, `${worktree.slug}.${round}.${step}`);
  fs.mkdirSync(records, { recursive: true, mode: 0o700 });
  // A path that is not UTF-8 can still be the working directory, through a link.
  const cwd = `${layout.run}/${worktree.slug}.setup`;
  linkAtomically(worktree.path, cwd);
  const log = openLog(layout, worktree.slug);
  try {
    if (!fs.existsSync(`${record}.pid`)) fs.writeSync(log, `$ ${argv.join(" ")}\n`);
    const isThere = () => lstatIfThere(joinRaw(worktree.path, ".git")) !== undefined;
    return await runRecorded(layout, {
      record,
      argv,
      cwd,
      environment: {
        ...process.env,
        ...environment,
        PATH: `${layout.bin}:${process.env.PATH ?? ""}`,
        NO_COLOR: "1",
      },
      log,
      onEnd: (end) => watchForEnd(isThere, ending, end),
    });
  } finally {
    fs.closeSync(log);
    fs.rmSync(cwd, { force: true });
  }
}

/** Tells whether any command of this round has been started, by this daemon or an earlier one. */
export function hasBegun(layout: Layout, slug: string, round: string): boolean {
  return recordNames(layout, slug).some((name) => name.startsWith(`${slug}.${round}.`));
}

/** Deletes the records of a worktree's commands; they are not needed once the results are stored. */
export function forgetSetupCommands(layout: Layout, slug: string): void {
  for (const name of recordNames(layout, slug))
    fs.rmSync(join(recordsOf(layout), name), { force: true });
}

/** Ends commands that a killed daemon left running in a removed worktree. */
export async function endSetupCommands(layout: Layout, slug: string): Promise<void> {
  for (const name of recordNames(layout, slug).filter((each) => each.endsWith(".pid")))
    await killRecorded(layout, join(recordsOf(layout), name.slice(0, -".pid".length)));
  forgetSetupCommands(layout, slug);
}

function recordsOf({ run }: Layout): string {
  return `${run}/setup`;
}

/** Lists a worktree's records. Slugs contain no dot, so the prefix is unambiguous. */
function recordNames(layout: Layout, slug: string): string[] {
  const records = recordsOf(layout);
  if (!fs.existsSync(records)) return [];
  return fs.readdirSync(records).filter((name) => name.startsWith(`${slug}.`));
}

function watchForEnd(isThere: () => boolean, ending: AbortSignal, end: () => void): () => void {
  let called = false;
  const once = () => {
    if (called) return;
    called = true;
    end();
  };
  const polling = setInterval(() => {
    if (!isThere()) once();
  }, POLL_MS);
  ending.addEventListener("abort", once);
  return () => {
    clearInterval(polling);
    ending.removeEventListener("abort", once);
  };
}

/** Opens the log, which is kept over several runs up to a size. */
function openLog(layout: Layout, slug: string): number {
  const directory = `${layout.logs}/${slug}.setup`;
  fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = `${directory}/current`;
  const large = (lstatIfThere(path)?.size ?? 0n) > BigInt(LARGEST_LOG);
  return fs.openSync(path, large ? "w" : "a", 0o600);
}
