import fs from "node:fs";
import { join } from "node:path";
import type { Layout } from "../../model/layout.ts";
import type { RawPath } from "../../model/worktree.ts";
import { joinRaw, linkAtomically, lstatIfThere } from "../fs/files.ts";
import { type CommandResult, killRecorded, runRecorded } from "./recorded-job.ts";

/** One of the project's own commands for a new schema. */
export interface SetupCommand {
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Which of them it is, and for which beginning of the schema. */
  readonly step: string;
  readonly round: string;
}

const LOOK_MS = 500;
const LARGEST_LOG = 1_000_000;

/**
 * Runs one of the project's own commands in a worktree, with its environment, once for each round:
 * what a killed daemon left running is waited for. All that it prints goes to
 * `logs/<worktree>.setup/current`. It is ended, with all that it started, when its worktree is
 * removed or the daemon stops, as `ending` says.
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
  // A path that is no text can be a working directory all the same, through a link.
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
      onEnd: (end) => whenToEnd(isThere, ending, end),
    });
  } finally {
    fs.closeSync(log);
    fs.rmSync(cwd, { force: true });
  }
}

/** Whether any of them has been started in this round, by us or by a daemon before us. */
export function hasBegun(layout: Layout, slug: string, round: string): boolean {
  return recordNames(layout, slug).some((name) => name.startsWith(`${slug}.${round}.`));
}

/** Once it is written down how they ended, nobody asks for the records any more. */
export function forgetSetupCommands(layout: Layout, slug: string): void {
  for (const name of recordNames(layout, slug))
    fs.rmSync(join(recordsOf(layout), name), { force: true });
}

/** Ends what a killed daemon left running in a worktree that is gone. */
export async function endSetupCommands(layout: Layout, slug: string): Promise<void> {
  for (const name of recordNames(layout, slug).filter((each) => each.endsWith(".pid")))
    await killRecorded(layout, join(recordsOf(layout), name.slice(0, -".pid".length)));
  forgetSetupCommands(layout, slug);
}

function recordsOf({ run }: Layout): string {
  return `${run}/setup`;
}

/** A slug holds no dot. */
function recordNames(layout: Layout, slug: string): string[] {
  const records = recordsOf(layout);
  if (!fs.existsSync(records)) return [];
  return fs.readdirSync(records).filter((name) => name.startsWith(`${slug}.`));
}

function whenToEnd(isThere: () => boolean, ending: AbortSignal, end: () => void): () => void {
  let called = false;
  const once = () => {
    if (called) return;
    called = true;
    end();
  };
  const looking = setInterval(() => {
    if (!isThere()) once();
  }, LOOK_MS);
  ending.addEventListener("abort", once);
  return () => {
    clearInterval(looking);
    ending.removeEventListener("abort", once);
  };
}

/** Kept over several runs, up to a size. */
function openLog(layout: Layout, slug: string): number {
  const directory = `${layout.logs}/${slug}.setup`;
  fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = `${directory}/current`;
  const large = (lstatIfThere(path)?.size ?? 0n) > BigInt(LARGEST_LOG);
  return fs.openSync(path, large ? "w" : "a", 0o600);
}
