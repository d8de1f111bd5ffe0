import fs from "node:fs";
import { execa } from "execa";
import type { Layout } from "../model/layout.ts";
import type { RawPath } from "../model/worktree.ts";
import { linkAtomically } from "./files.ts";

/**
 * Runs one of the project's own commands in a worktree, with its environment. All
 * that it prints goes to `logs/<worktree>.setup/current`.
 */
export async function runCommand(
  layout: Layout,
  worktree: { readonly slug: string; readonly path: RawPath },
  argv: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<{ readonly ok: true } | { readonly ok: false; readonly why: string }> {
  const directory = `${layout.logs}/${worktree.slug}.setup`;
  fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
  // A path that is no text can be a working directory all the same, through a link.
  const cwd = `${layout.run}/${worktree.slug}.setup`;
  linkAtomically(worktree.path, cwd);
  const log = `${directory}/current`;
  fs.appendFileSync(log, `$ ${argv.join(" ")}\n`, { mode: 0o600 });
  const [program = "", ...rest] = argv;
  try {
    const result = await execa(program, rest, {
      cwd,
      env: { ...environment, PATH: `${layout.bin}:${process.env.PATH ?? ""}`, NO_COLOR: "1" },
      stdin: "ignore",
      stdout: { file: log, append: true },
      stderr: { file: log, append: true },
      reject: false,
    });
    if (result.exitCode === 0) return { ok: true };
    const how =
      result.exitCode === undefined
        ? (result.shortMessage ?? "could not be started")
        : `ended with exit code ${result.exitCode}`;
    return { ok: false, why: how };
  } finally {
    fs.rmSync(cwd, { force: true });
  }
}
