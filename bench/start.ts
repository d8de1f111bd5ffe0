import type { Bench } from "./harness/bench.ts";
import { output } from "./harness/programs.ts";
import type { BenchProject } from "./harness/project.ts";
import type { Measured, Row } from "./harness/row.ts";

/** A project with ten worktrees, where the default worktree's backend starts with everything else. */
function ten(bench: Bench): Promise<BenchProject> {
  return bench.project("ten", {}, (project) => {
    project.ikigai("start");
    for (let i = 1; i < 10; i++) {
      project.git(project.root, "worktree", "add", "--quiet", `w${i}`);
    }
  });
}

/** Throws unless everything is healthy. */
function mustBeWell(bench: Bench, project: BenchProject): void {
  const cli = `${bench.package}/dist/cli.cjs`;
  const status = output(project.at(project.root), process.execPath, cli, "status", "--json");
  if (!JSON.parse(status).healthy) throw new Error(`Not everything is well: ${status}`);
}

interface Turns {
  readonly starts: readonly number[];
  readonly stops: readonly number[];
}

let turnsKnown: Promise<Turns> | undefined;

/** Both rows use the same rounds. */
function startAndStop(bench: Bench): Promise<Turns> {
  turnsKnown ??= measureTurns(bench);
  return turnsKnown;
}

async function measureTurns(bench: Bench): Promise<Turns> {
  const project = await ten(bench);
  const [starts, stops]: [number[], number[]] = [[], []];
  for (let round = 0; round < 5; round++) {
    stops.push(project.ikigai("stop"));
    starts.push(project.ikigai("start"));
    mustBeWell(bench, project);
  }
  return { starts, stops };
}

async function firstEver(bench: Bench): Promise<Measured> {
  const samples: number[] = [];
  for (let round = 0; round < 2; round++) {
    const project = await bench.project(`first-${round}`);
    samples.push(project.ikigai("start"));
    mustBeWell(bench, project);
    await bench.close(`first-${round}`);
  }
  return { ikigai: samples };
}

export const rows: readonly Row[] = [
  {
    name: "start",
    title: "`ikigai start`, initialised, to all healthy",
    unit: "ms",
    target: { kind: "most", value: 1_500 },
    run: async (bench) => ({ ikigai: (await startAndStop(bench)).starts }),
  },
  {
    name: "stop",
    title: "`ikigai stop`",
    unit: "ms",
    target: { kind: "most", value: 1_000 },
    run: async (bench) => ({ ikigai: (await startAndStop(bench)).stops }),
  },
  {
    name: "start-first",
    title: "the first `ikigai start` ever",
    unit: "ms",
    target: { kind: "most", value: 4_000 },
    run: firstEver,
  },
];
