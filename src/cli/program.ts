import { isatty } from "node:tty";
import { CommanderError, Command as Program } from "commander";
import { explainFullDisk } from "../host/fs/free-space.ts";
import { printable, printableColoured, printableLines } from "../model/printable.ts";
import { UsageError, UserError } from "../model/user-error.ts";
import { VERSION } from "../version.ts";
import type { Command, Context, Values } from "./context.ts";
import { pc } from "./output/colours.ts";
import { COMMANDS } from "./registry.ts";
import { workingDirectory } from "./working-directory.ts";

const USAGE_ERROR = 2;

/** Builds commander's tree from the table; `wt list` becomes a command below `wt`. */
function build(finish: (code: number) => void): Program {
  const program = new Program("ikigai")
    .description(
      "Plain git worktrees, each with its own schema, address, services and environment.",
    )
    .version(VERSION)
    .option("--verbose", "print stack traces of internal errors")
    .exitOverride()
    .configureOutput({
      // The same format as every other error, followed by a `next:` line.
      outputError: (text, write) =>
        write(`${pc.red("ikigai:")} ${printableLines(text.replace(/^error: /, ""))}`),
    })
    .showHelpAfterError(`  next: ${pc.bold("ikigai --help")}`);
  const groups = new Map<string, Program>();
  for (const command of COMMANDS) {
    const [first = "", second] = command.usage.split(" ");
    const grouped = second !== undefined && /^[a-z]/.test(second);
    let parent = program;
    if (grouped) {
      parent =
        groups.get(first) ??
        program
          .command(first)
          .description(GROUPS[first] ?? "")
          .exitOverride();
      groups.set(first, parent);
    }
    add(parent, grouped ? command.usage.slice(first.length + 1) : command.usage, command, finish);
  }
  return program;
}

const GROUPS: Readonly<Record<string, string>> = { wt: "worktrees", db: "schemas" };

function add(
  parent: Program,
  usage: string,
  command: Command,
  finish: (code: number) => void,
): void {
  const built = parent.command(usage, { hidden: command.hidden ?? false });
  built.description(command.summary).exitOverride();
  for (const [flags, description, preset] of command.options ?? []) {
    built.option(flags, description, preset);
  }
  built.action(async () => {
    const run = await command.load();
    const values: Values = built.opts();
    finish((await run(context(), built.processedArgs.flat().filter(isText), values)) ?? 0);
  });
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function context(): Context {
  return {
    cwd: workingDirectory(),
    // A last line of defence: terminals get colours but no other control sequences, pipes get every byte.
    out: (text) => void process.stdout.write(isatty(1) ? printableColoured(text) : text),
    say: (text) => void process.stderr.write(`${printableColoured(text)}\n`),
  };
}

/** Runs the command line and returns the exit code: 0 done, 1 failed, 2 wrong usage. */
export async function main(argv: readonly string[]): Promise<number> {
  // A reader that closes the pipe early (`| head`) is not an error.
  process.stdout.on("error", () => process.exit(0));
  let code = 0;
  try {
    await build((given) => {
      code = given;
    }).parseAsync(argv.slice(2), { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE_ERROR;
    report(error, argv.includes("--verbose"));
    return error instanceof UsageError ? USAGE_ERROR : 1;
  }
}

function report(failure: unknown, verbose: boolean): void {
  const error = explainFullDisk(failure) ?? failure;
  const message = error instanceof Error ? error.message : String(error);
  // Errors of the controls carry their next command in the text.
  const [what, ...rest] = message.split("\n  next: ");
  const next = error instanceof UserError ? error.next : rest[0];
  process.stderr.write(`${pc.red("ikigai:")} ${printableLines(what ?? "")}\n`);
  if (next) process.stderr.write(`  next: ${pc.bold(printable(next))}\n`);
  if (verbose && error instanceof Error && !(error instanceof UserError)) {
    process.stderr.write(`${printableLines(error.stack ?? "")}\n`);
  }
}
