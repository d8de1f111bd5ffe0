import { mkdirSync, writeFileSync } from "node:fs";
import type { Bench } from "./harness/bench.ts";
import { isInstalled, output, time } from "./harness/programs.ts";
import type { BenchProject } from "./harness/project.ts";
import { rounds } from "./harness/rounds.ts";
import type { Measured, Row } from "./harness/row.ts";

/** Fifty worktrees beside the first one. */
function fifty(bench: Bench): Promise<BenchProject> {
  return bench.project("fifty", {}, (project) => {
    project.ikigai("start");
    for (let i = 1; i < 50; i++) {
      project.git(project.root, "worktree", "add", "--quiet", `w${i}`);
    }
  });
}

/** Runs a command as users do: through `.ikigai/bin`, which direnv puts on PATH. */
export function commandRounds(project: BenchProject, count: number, ...args: string[]) {
  const place = project.at(project.root);
  return rounds(count, {
    baseline: () => time(place, process.execPath, "--eval", "0"),
    ikigai: () => time(place, `${project.root}/.ikigai/bin/ikigai`, ...args),
  });
}

async function list(bench: Bench, ...flags: string[]): Promise<Measured> {
  const project = await fifty(bench);
  const lines = output(
    project.at(project.root),
    `${project.root}/.ikigai/bin/ikigai`,
    "wt",
    "list",
  ).split("\n").length;
  const samples = await commandRounds(project, 25, "wt", "list", ...flags);
  return { ...samples, notes: [`${lines - 2} worktrees listed`] };
}

async function enter(bench: Bench): Promise<Measured | string> {
  if (!isInstalled("direnv")) return "direnv is not installed.";
  const project = await fifty(bench);
  const empty = bench.directory("empty");
  mkdirSync(empty, { recursive: true });
  writeFileSync(`${empty}/.envrc`, "");
  time(project.at(empty), "direnv", "allow");
  const loaded = output(project.at(`${project.root}/w1`), "direnv", "export", "bash");
  if (!loaded.includes("IKIGAI_WORKTREE")) return "direnv did not load the worktree's environment.";
  return rounds(25, {
    baseline: () => time(project.at(empty), "direnv", "export", "bash"),
    ikigai: () => time(project.at(`${project.root}/w1`), "direnv", "export", "bash"),
  });
}

export const rows: readonly Row[] = [
  {
    name: "list-50",
    title: "`ikigai wt list`, 50 worktrees",
    baseline: "a bare Node start",
    unit: "ms",
    target: { kind: "times", most: 1.3 },
    run: (bench) => list(bench),
  },
  {
    name: "list-50-json",
    title: "`ikigai wt list --json`, 50 worktrees",
    baseline: "a bare Node start",
    unit: "ms",
    target: { kind: "times", most: 1.3 },
    run: (bench) => list(bench, "--json"),
  },
  {
    name: "enter",
    title: "entering a worktree with direnv",
    baseline: "an empty .envrc",
    unit: "ms",
    target: { kind: "over", median: 10 },
    run: enter,
  },
];
