import fs from "node:fs";
import type { Layout } from "../model/layout.ts";

/** A process of ours that still works under the name the project had before. */
interface Stray {
  readonly pid: number;
  /** Clock ticks since boot; a number that is given again begins later (proc(5), stat). */
  readonly started: string;
  readonly command: string;
}

const PATIENCE_MS = 15_000;

/**
 * Ends what still runs since before a project was renamed: the controls look for
 * processes under the new name and would not find it. Only those whose command
 * line has the old name and whose directory is inside the project here: the
 * kernel, not a name, says that they are ours. Linux only.
 *
 * @returns how many there were
 */
export async function endStrays({ ikigai, db }: Layout, oldRoot: string): Promise<number> {
  if (process.platform !== "linux") return 0;
  const homes = [ikigai, realOf(db)];
  const ours = () => straysOf(homes, `${oldRoot}/.ikigai`);
  const found = ours();
  if (found.length === 0) return 0;
  // The supervisor first, or it would start again what ends.
  signal(
    found.filter(({ command }) => command.includes("runsvdir")),
    "SIGHUP",
  );
  await gone(() => ours().filter(({ command }) => !/\b(nginx|postgres)\b/.test(command)));
  signal(
    ours().filter(({ command }) => command.startsWith("nginx: master")),
    "SIGTERM",
  );
  signal(
    ours().filter(({ command }) => /\/postgres -D /.test(command)),
    "SIGINT",
  );
  await gone(ours);
  return found.length;
}

async function gone(left: () => readonly Stray[]): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (left().length > 0 && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function straysOf(homes: readonly string[], oldName: string): Stray[] {
  return fs
    .readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const pid = Number(name);
      const [command, cwd, started] = [commandOf(pid), cwdOf(pid), startOf(pid)];
      const inside = homes.some((home) => cwd === home || cwd.startsWith(`${home}/`));
      return inside && PROGRAMS.test(command) && command.includes(oldName)
        ? [{ pid, started, command }]
        : [];
    });
}

/** A shell or an editor that somebody has open in there is none of these. */
const PROGRAMS = /runsvdir|^nginx: master|\/postgres -D |daemon\.js/;

function signal(strays: readonly Stray[], name: "SIGHUP" | "SIGTERM" | "SIGINT"): void {
  for (const { pid, started } of strays) {
    if (startOf(pid) !== started) continue;
    try {
      process.kill(pid, name);
    } catch {
      // It ended this very moment.
    }
  }
}

function commandOf(pid: number): string {
  return read(`/proc/${pid}/cmdline`).split("\0").join(" ").trim();
}

function startOf(pid: number): string {
  const stat = read(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}

function cwdOf(pid: number): string {
  try {
    return fs.readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return "";
  }
}

function realOf(path: string): string {
  try {
    return fs.realpathSync(path);
  } catch {
    return path;
  }
}

function read(file: string): string {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
