import { readFileSync } from "node:fs";
import { commandRounds } from "./commands.ts";
import { type Bench, started } from "./harness/bench.ts";
import { until } from "./harness/programs.ts";
import type { BenchProject } from "./harness/project.ts";
import { rounds } from "./harness/rounds.ts";
import type { Measured, Row } from "./harness/row.ts";

const MANY = 1_000;
const SERVER = `import { createServer } from "node:http";
createServer((_, response) => response.end("hello")).listen(process.env.PORT);
`;
const PACKAGE = JSON.stringify({ type: "module", scripts: { start: "node server.js" } });

let firstStart = 0;

/** A thousand reconciled worktrees with two services each; the twin has as many plain ones. */
function thousand(bench: Bench): Promise<BenchProject> {
  const files = { "admin/backend/server.js": SERVER, "admin/backend/package.json": PACKAGE };
  return bench.project("thousand", { files }, async (project) => {
    project.ikigai("init");
    bench.say(`making ${MANY} worktrees twice`);
    for (let i = 1; i < MANY; i++) {
      project.git(project.root, "worktree", "add", "--quiet", "--detach", `w${i}`);
      project.git(project.twin, "worktree", "add", "--quiet", "--detach", `w${i}`);
    }
    firstStart = project.ikigai("start");
    const began = performance.now();
    await until("all to be in line", async () => (await unready(project)) === 0, {
      seconds: 300,
      every: 200,
    });
    firstStart += performance.now() - began;
    bench.say(`brought in line in ${(firstStart / 1000).toFixed(1)} s`);
  });
}

async function unready(project: BenchProject): Promise<number> {
  const { worktrees } = await project.ask<{ worktrees: { state: string }[] }>(
    "GET",
    "/v1/worktrees",
  );
  return worktrees.filter(({ state }) => state !== "ready").length;
}

async function list(bench: Bench): Promise<Measured> {
  const project = await thousand(bench);
  return commandRounds(project, 15, "wt", "list");
}

/** A full reconcile that finds nothing to do, requested through the daemon's socket. */
async function look(bench: Bench): Promise<Measured> {
  const project = await thousand(bench);
  const samples = await rounds(10, {
    ikigai: async () => {
      const { milliseconds } = await project.ask<{ milliseconds: number }>(
        "POST",
        "/v1/look?brief",
      );
      return milliseconds;
    },
  });
  return { ...samples, notes: [`made at first, by ikigai start: ${seconds(firstStart)}`] };
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

type Adds = Record<"few" | "many" | "plainFew" | "plainMany", number[]>;

let addsKnown: Promise<Adds> | undefined;

/** Both rows use the same rounds. */
function adds(bench: Bench): Promise<Adds> {
  addsKnown ??= measureAdds(bench);
  return addsKnown;
}

async function measureAdds(bench: Bench): Promise<Adds> {
  const many = await thousand(bench);
  const few = await started(bench);
  let number = 0;
  const add = (project: BenchProject, root: string) => () =>
    project.git(root, "worktree", "add", "--quiet", "--detach", `l${number++}`);
  return rounds(15, {
    few: add(few, few.root),
    many: add(many, many.root),
    plainFew: add(few, few.twin),
    plainMany: add(many, many.twin),
  });
}

async function addLast(bench: Bench): Promise<Measured> {
  const { few: baseline, many: ikigai, plainFew, plainMany } = await adds(bench);
  const plain = median(plainMany) / median(plainFew);
  const notes = [`plain git itself: × ${plain.toFixed(2)} (${median(plainMany).toFixed(1)} ms)`];
  return { baseline, ikigai, notes };
}

function median(samples: readonly number[]): number {
  return [...samples].sort((a, b) => a - b)[Math.floor(samples.length / 2)] ?? Number.NaN;
}

/** Fields 14 and 15 of proc(5)'s stat, in clock ticks of a hundredth of a second. */
function processorTime(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** After this time, earlier requests no longer have an effect, garbage collection included. */
const SETTLE_SECONDS = 30;
const IDLE_SECONDS = 60;

type Idle = { readonly cpu: number; readonly memory: number } | string;

let idleKnown: Promise<Idle> | undefined;

/** Both figures come from the same period. */
function idle(bench: Bench): Promise<Idle> {
  idleKnown ??= measureIdle(bench);
  return idleKnown;
}

async function measureIdle(bench: Bench): Promise<Idle> {
  if (process.platform !== "linux") return "Only Linux tells of a process without a program.";
  const project = await thousand(bench);
  const { pid } = await project.ask<{ pid: number }>("GET", "/v1/health");
  await sleep(SETTLE_SECONDS);
  const before = processorTime(pid);
  await sleep(IDLE_SECONDS);
  const cpu = (processorTime(pid) - before) / (IDLE_SECONDS * 10);
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  return { cpu, memory: Number(/^VmRSS:\s*(\d+)/m.exec(status)?.[1]) / 1024 };
}

function sleep(time: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, time * 1000));
}

export const rows: readonly Row[] = [
  {
    name: "list-1000",
    title: "`ikigai wt list`, 1,000 worktrees",
    baseline: "a bare Node start",
    unit: "ms",
    target: { kind: "times", most: 2 },
    slow: true,
    run: list,
  },
  {
    name: "look-1000",
    title: "a look at 1,000 worktrees with nothing to do",
    unit: "ms",
    target: { kind: "most", value: 300 },
    slow: true,
    run: look,
  },
  {
    name: "idle-cpu",
    title: "the daemon at rest with 1,000 worktrees",
    unit: "% of a core",
    target: { kind: "most", value: 0.5 },
    slow: true,
    run: async (bench) => {
      const found = await idle(bench);
      const notes = ["the look at everything, every ten minutes, is not in it: 0.05 % of a core"];
      return typeof found === "string" ? found : { ikigai: [found.cpu], notes };
    },
  },
  {
    name: "idle-memory",
    title: "its memory",
    unit: "MB",
    target: { kind: "most", value: 120 },
    slow: true,
    run: async (bench) => {
      const found = await idle(bench);
      return typeof found === "string" ? found : { ikigai: [found.memory] };
    },
  },
  {
    name: "add-1000",
    title: "adding the 1,000th worktree",
    baseline: "among ten",
    unit: "ms",
    target: { kind: "times", most: 1.2 },
    slow: true,
    run: addLast,
  },
  {
    name: "add-1000-over",
    title: "adding the 1,000th worktree, over git's own part",
    baseline: "plain git, 1,000 worktrees",
    unit: "ms",
    target: { kind: "over", median: 30, p95: 60 },
    slow: true,
    run: async (bench) => {
      const { many, plainMany } = await adds(bench);
      return { ikigai: many, baseline: plainMany };
    },
  },
];
