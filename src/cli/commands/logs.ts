import fs from "node:fs";
import { createInterface } from "node:readline";
import { isatty } from "node:tty";
import { execa } from "execa";
import type { Project } from "../../discovery/project.ts";
import { namedTarget } from "../../discovery/worktree-names.ts";
import { readWorktrees } from "../../discovery/worktrees.ts";
import { ownerOfLogs, removedLogs } from "../../host/runit/worktree-logs.ts";
import type { Layout } from "../../model/layout.ts";
import { printable, printableColoured } from "../../model/printable.ts";
import { UsageError, UserError } from "../../model/user-error.ts";
import { type Run, requireProject, textOption } from "../context.ts";

const PARTS: Readonly<Record<string, string>> = {
  nginx: "nginx.log",
  postgres: "postgres.log",
  daemon: "daemon/current",
  runsvdir: "runsvdir.log",
};

/** Prints the last lines of the logs of one service, of a worktree or of everything; `-f` follows them. */
export const logs: Run = async ({ cwd }, [target], options) => {
  const project = requireProject(cwd);
  const files = filesOf(project, target, cwd);
  if (files.length === 0) {
    throw new UserError(
      target ? `${printable(target)} has no log yet.` : "There are no logs yet.",
      target ? "ikigai wt list" : "ikigai start",
    );
  }
  const lines = textOption(options, "lines") ?? "20";
  if (!/^\d+$/.test(lines)) {
    throw new UsageError(
      `--lines must be a number, not ${printable(lines)}.`,
      "ikigai logs -n 100",
    );
  }
  // -F keeps following a log across rotations.
  const args = ["-n", lines, ...(options.follow ? ["-F"] : []), "--", ...files];
  const filtered = isatty(1);
  const tail = execa("tail", args, {
    stdio: ["ignore", filtered ? "pipe" : "inherit", "inherit"],
    buffer: false,
    reject: false,
  });
  // Logs may contain terminal control sequences: filter them for a terminal; a pipe gets every byte.
  if (filtered && tail.stdout) {
    for await (const line of createInterface({ input: tail.stdout, crlfDelay: Infinity })) {
      process.stdout.write(`${printableColoured(line)}\n`);
    }
  }
  return (await tail).exitCode ?? 0;
};

/**
 * Finds the log files of a target.
 *
 * @throws UnknownName when neither a worktree nor a log has that name
 */
function filesOf(
  { layout, commonDir }: Project,
  target: string | undefined,
  cwd: string,
): string[] {
  // Removed worktrees and services may have left logs.
  const literal = logFiles(layout, target);
  if (target === undefined || literal.length > 0 || PARTS[target]) return literal;
  const { worktree, service } = namedTarget(readWorktrees(commonDir), target, cwd);
  return logFiles(layout, service === undefined ? worktree.slug : `${worktree.slug}/${service}`);
}

function logFiles(layout: Layout, target: string | undefined): string[] {
  const there = (path: string) => (fs.existsSync(path) ? [path] : []);
  const part = target === undefined ? undefined : PARTS[target];
  if (part) return there(`${layout.logs}/${part}`);
  const names = fs.existsSync(layout.logs) ? fs.readdirSync(layout.logs) : [];
  const services = names.filter((name) => /^[^.]+\.(?!log$)/.test(name));
  const [worktree, service] = target?.split("/") ?? [];
  const wanted = services.filter((name) => {
    const [slug, rest] = [name.slice(0, name.indexOf(".")), name.slice(name.indexOf(".") + 1)];
    return (
      worktree === undefined || (slug === worktree && (service === undefined || rest === service))
    );
  });
  const parts = target === undefined ? Object.values(PARTS) : [];
  if (worktree !== undefined && ownerOfLogs(layout, worktree) === undefined) {
    // The logs of a removed worktree are kept as long as its data.
    const removed = [...removedLogs(layout, worktree)];
    const chosen = removed.filter(([name]) => service === undefined || name === service);
    return chosen.flatMap(([, path]) => there(`${path}/current`));
  }
  return [...wanted.map((name) => `${name}/current`), ...parts].flatMap((name) =>
    there(`${layout.logs}/${name}`),
  );
}
