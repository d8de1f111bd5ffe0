import { existsSync } from "node:fs";
import { type Bench, started } from "./harness/bench.ts";
import { denoAlone } from "./harness/deno.ts";
import { peersOf } from "./harness/peers.ts";
import { until } from "./harness/programs.ts";
import type { BenchProject } from "./harness/project.ts";
import { rounds } from "./harness/rounds.ts";
import type { Measured, Row } from "./harness/row.ts";

interface Reports {
  readonly worktrees: readonly { readonly slug: string; readonly state: string }[];
}

/** Whether the daemon reports a worktree as ready: schema, role, route, services and environment. */
async function isReady(project: BenchProject, slug: string): Promise<boolean> {
  const found = await project
    .ask<{ worktree?: Reports["worktrees"][number] }>("GET", `/v1/worktree?of=${slug}`)
    .catch(() => undefined);
  return (
    found?.worktree?.state === "ready" && existsSync(`${project.root}/.ikigai/run/env/${slug}.sh`)
  );
}

async function add(bench: Bench): Promise<Measured> {
  const project = await started(bench);
  const { root, twin } = project;
  const peers = bench.peers ? await peersOf(bench, project) : { sides: {}, notes: [] };
  let number = 0;
  let unready = 0;
  const samples = await rounds(40, {
    baseline: () => project.git(twin, "worktree", "add", "--quiet", `a${number++}`),
    ikigai: async () => {
      const name = `a${number++}`;
      const took = project.git(root, "worktree", "add", "--quiet", name);
      if (!(await isReady(project, name))) unready += 1;
      return took;
    },
    ...peers.sides,
  });
  const { baseline, ikigai, ...others } = samples;
  const ready = `not yet provisioned when git returned: ${unready} of ${ikigai.length + 1}`;
  return { baseline, ikigai, peers: others, notes: [ready, ...peers.notes] };
}

async function addStopped(bench: Bench): Promise<Measured> {
  const project = await started(bench);
  project.ikigai("stop");
  let number = 0;
  const samples = await rounds(20, {
    baseline: () => project.git(project.twin, "worktree", "add", "--quiet", `s${number++}`),
    ikigai: () => project.git(project.root, "worktree", "add", "--quiet", `s${number++}`),
  });
  project.ikigai("start");
  return samples;
}

async function switchBranch(bench: Bench): Promise<Measured> {
  const project = await started(bench);
  for (const root of [project.root, project.twin]) {
    project.git(root, "worktree", "add", "--quiet", "switching");
    project.git(`${root}/switching`, "branch", "other");
  }
  await until("the worktree", () => isReady(project, "switching"));
  const turn = { [project.root]: 0, [project.twin]: 0 };
  const side = (root: string) => () => {
    turn[root] = (turn[root] ?? 0) + 1;
    const branch = (turn[root] ?? 0) % 2 === 1 ? "other" : "switching";
    return project.git(`${root}/switching`, "switch", "--quiet", branch);
  };
  return rounds(30, { baseline: side(project.twin), ikigai: side(project.root) });
}

const MANY = 20;

/** The number of files of an average application, at 2 kB each. */
const FILES = 500;

function sizeable(bench: Bench): Promise<BenchProject> {
  const text = "export const line = 'as long as a line of code tends to be';\n".repeat(32);
  const files = Object.fromEntries(
    Array.from({ length: FILES }, (_, i) => [`backend/src/${i % 20}/${i}.ts`, text]),
  );
  return bench.project("sizeable", { files }, (project) => {
    project.ikigai("start");
  });
}

async function addMany(project: BenchProject): Promise<Measured> {
  let round = 0;
  const names = () => Array.from({ length: MANY }, (_, i) => `p${round}-${i}`);
  // git itself sometimes fails while another add is half done, and is then run again.
  const one = (root: string, name: string): Promise<unknown> =>
    project
      .gitBeside(root, "worktree", "add", "--quiet", "--detach", name)
      .catch(() => one(root, name));
  const all = (root: string, list: readonly string[]) =>
    Promise.all(list.map((name) => one(root, name)));
  const timed = async (work: () => Promise<unknown>) => {
    const began = performance.now();
    await work();
    return performance.now() - began;
  };
  return rounds(5, {
    baseline: () => {
      round += 1;
      return timed(() => all(project.twin, names()));
    },
    ikigai: () => {
      round += 1;
      const list = names();
      return timed(async () => {
        await all(project.root, list);
        await until("all to be provisioned", async () => {
          const { worktrees } = await project.ask<Reports>("GET", "/v1/worktrees");
          const ready = new Set(worktrees.filter((w) => w.state === "ready").map((w) => w.slug));
          return list.every((name) => ready.has(name));
        });
      });
    },
  });
}

const GREETING = "Deno.serve(() => new Response('hello'));\n";

/** First answer of a worktree whose backend has never run. */
async function firstAnswer(bench: Bench): Promise<Measured | string> {
  const files = { "backend/main.ts": GREETING };
  const project = await bench.project("deno", { app: "services/deno-main", files }, (made) => {
    made.ikigai("start");
  });
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${project.httpPort}${path}`);
    await response.text();
    return response.status;
  };
  const installed = await until("Deno", async () => (await get("/main/api/")) === 200, {
    seconds: 120,
    every: 200,
  }).catch(() => false);
  if (!installed) return "Deno could not be installed here.";
  let number = 0;
  const began = () => performance.now();
  const samples = await rounds(10, {
    baseline: () =>
      denoAlone(
        project.at(`${project.root}/main/backend`),
        `${project.root}/.ikigai/bin/deno`,
        `${bench.directory("deno")}/s.sock`,
      ),
    ikigai: async () => {
      const name = `d${number++}`;
      project.git(project.root, "worktree", "add", "--quiet", name);
      const from = began();
      await until(`${name} to answer`, async () => (await get(`/${name}/api/`)) === 200);
      return began() - from;
    },
  });
  return samples;
}

export const rows: readonly Row[] = [
  {
    name: "add",
    title: "`git worktree add`, everything provisioned",
    baseline: "plain git",
    unit: "ms",
    target: { kind: "over", median: 30, p95: 60 },
    run: add,
  },
  {
    name: "add-stopped",
    title: "`git worktree add`, services stopped",
    baseline: "plain git",
    unit: "ms",
    target: { kind: "over", median: 5 },
    run: addStopped,
  },
  {
    name: "switch",
    title: "`git switch` in a worktree",
    baseline: "plain git",
    unit: "ms",
    target: { kind: "over", median: 10 },
    run: switchBranch,
  },
  {
    name: "first-answer",
    title: "add returns → first 200 of its Deno backend",
    baseline: "Deno alone",
    unit: "ms",
    // Besides the runtime's own start: the gate, one reconcile and one wait for a socket.
    target: { kind: "most", value: 100 },
    run: firstAnswer,
  },
  {
    name: "add-parallel",
    title: `20 parallel adds of ${FILES} files each, to all provisioned`,
    baseline: "plain git",
    unit: "ms",
    target: { kind: "times", most: 1.5 },
    run: async (bench) => addMany(await sizeable(bench)),
  },
  {
    name: "add-parallel-tiny",
    title: "the same with an application of four files",
    baseline: "plain git",
    unit: "ms",
    target: { kind: "times", most: 1.5 },
    run: async (bench) => addMany(await started(bench)),
  },
];
