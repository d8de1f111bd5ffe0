import { readdirSync, readFileSync } from "node:fs";
import { processesOf } from "../scripts/processes.js";
import type { Bench } from "./harness/bench.ts";
import { denoAlone } from "./harness/deno.ts";
import { until } from "./harness/programs.ts";
import type { BenchProject } from "./harness/project.ts";
import { rounds } from "./harness/rounds.ts";
import type { Measured, Row } from "./harness/row.ts";

const HANDLER = "Deno.serve(() => new Response(String(Deno.pid)));\n";
// The pid tells which start an answer comes from.
const SERVER = `import { createServer } from "node:http";
const { PORT, IKIGAI_WORKTREE } = process.env;
createServer((request, response) => {
  request.resume().on("end", () => response.end(JSON.stringify({ pid: process.pid, worktree: IKIGAI_WORKTREE })));
}).listen(PORT);
`;

interface Answered {
  readonly status: number;
  readonly text: string;
}

async function get(project: BenchProject, path: string, method = "GET"): Promise<Answered> {
  const response = await fetch(`http://127.0.0.1:${project.httpPort}${path}`, {
    method,
    ...(method === "POST" ? { body: "x" } : {}),
  });
  return { status: response.status, text: await response.text() };
}

async function addWorktrees(project: BenchProject, names: readonly string[]): Promise<void> {
  for (const name of names) project.git(project.root, "worktree", "add", "--quiet", name);
  await until(
    "the worktrees",
    async () => {
      const { worktrees } = await project.ask<{ worktrees: { slug: string; state: string }[] }>(
        "GET",
        "/v1/worktrees",
      );
      const ready = new Set(worktrees.filter((w) => w.state === "ready").map((w) => w.slug));
      return names.every((name) => ready.has(name));
    },
    { seconds: 120, every: 100 },
  );
}

/** First answer of an idle service that has run before, compared with the same program started by hand. */
async function firstRequest(bench: Bench): Promise<Measured | string> {
  const files = { "backend/main.ts": HANDLER };
  const project = await bench.project("idle-deno", { app: "services/deno-main", files }, (made) => {
    made.ikigai("start");
  });
  const installed = await until(
    "Deno",
    async () => (await get(project, "/main/api/")).status === 200,
    { seconds: 120, every: 200 },
  ).catch(() => false);
  if (!installed) return "Deno could not be installed here.";
  await addWorktrees(project, ["idle"]);
  return rounds(20, {
    baseline: () =>
      denoAlone(
        project.at(`${project.root}/idle/backend`),
        `${project.root}/.ikigai/bin/deno`,
        `${bench.directory("deno")}/s.sock`,
      ),
    ikigai: async () => {
      await project.ask("POST", "/v1/down?of=idle");
      const began = performance.now();
      const { status } = await get(project, "/idle/api/");
      if (status !== 200) throw new Error(`The first request was answered with ${status}.`);
      return performance.now() - began;
    },
  });
}

/** A project whose backends stop a second after their last request. */
function impatient(bench: Bench): Promise<BenchProject> {
  const options = {
    files: { "backend/server.js": SERVER },
    config: { services: { backend: { idle: "1s" } } },
  };
  return bench.project("impatient", options, (made) => {
    made.ikigai("start");
  });
}

async function oneStart(bench: Bench): Promise<Measured> {
  const project = await impatient(bench);
  await addWorktrees(project, ["crowd"]);
  const unanswered: number[] = [];
  const starts: number[] = [];
  for (let round = 0; round < 5; round++) {
    await project.ask("POST", "/v1/down?of=crowd");
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        get(project, "/crowd/api/", i % 2 === 0 ? "GET" : "POST"),
      ),
    );
    const good = answers.filter(({ status }) => status === 200);
    unanswered.push(100 - good.length);
    starts.push(new Set(good.map(({ text }) => JSON.parse(text).pid)).size);
  }
  return {
    ikigai: starts.map((count, i) => count - 1 + (unanswered[i] ?? 0)),
    notes: [`starts a round: ${starts.join(", ")}; not answered: ${unanswered.join(", ")}`],
  };
}

/** Proportional set size of all processes of the project, in bytes (proc(5), smaps_rollup). */
async function memoryOf(project: BenchProject): Promise<number> {
  const found = await processesOf([project.root]);
  const kilobytes = found.map(({ pid }) => {
    try {
      const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
      return Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0);
    } catch {
      return 0;
    }
  });
  return kilobytes.reduce((sum, each) => sum + each, 0) * 1024;
}

const MANY = 200;

async function idleMemory(bench: Bench): Promise<Measured | string> {
  if (!readdirSync("/proc").includes("self")) return "Memory is read from /proc.";
  const project = await bench.project(
    "asleep",
    { files: { "backend/server.js": SERVER } },
    (made) => {
      made.ikigai("start");
    },
  );
  await addWorktrees(project, ["w0"]);
  const settled = async () => {
    // Temporary allocations are freed after a while; the smallest of several readings counts.
    const looks: number[] = [];
    for (let i = 0; i < 20; i++) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      looks.push(await memoryOf(project));
    }
    return Math.min(...looks) / 2 ** 20;
  };
  const one = await settled();
  await addWorktrees(
    project,
    Array.from({ length: MANY - 1 }, (_, i) => `w${i + 1}`),
  );
  const all = await settled();
  return {
    ikigai: [all],
    baseline: [one],
    notes: [`each idle worktree: ${Math.round(((all - one) * 1024) / (MANY - 1))} kB`],
  };
}

const WORKTREES = 50;
const REQUESTS = 1_000;
const AT_ONCE = 8;

async function manyStops(bench: Bench): Promise<Measured> {
  const project = await impatient(bench);
  const names = Array.from({ length: WORKTREES }, (_, i) => `l${i}`);
  await addWorktrees(project, names);
  const failures: string[] = [];
  const pids = new Set<string>();
  const waits: number[] = [];
  let next = 0;
  const client = async () => {
    while (next < REQUESTS) {
      const turn = next++;
      // Two per worktree, which is started again when it has just been stopped.
      const name = names[(Math.floor(turn / 2) * 17) % WORKTREES] ?? "";
      const began = performance.now();
      const answer = await get(project, `/${name}/api/`, turn % 3 === 0 ? "POST" : "GET").catch(
        (error: unknown): Answered => ({ status: 0, text: String(error) }),
      );
      waits.push(performance.now() - began);
      if (answer.status === 200) pids.add(`${name} ${JSON.parse(answer.text).pid}`);
      else failures.push(`${name}: ${answer.status} ${answer.text.slice(0, 200)}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, client));
  waits.sort((a, b) => a - b);
  const at = (share: number) => Math.round(waits[Math.floor(share * (waits.length - 1))] ?? 0);
  return {
    ikigai: [failures.length],
    notes: [
      `${REQUESTS} requests, ${pids.size} starts; median ${at(0.5)} ms, 95th ${at(0.95)} ms, longest ${at(1)} ms`,
      ...failures.slice(0, 3),
    ],
  };
}

export const rows: readonly Row[] = [
  {
    name: "wake",
    title: "first request to an idle Deno service",
    baseline: "Deno started by hand, until its first answer",
    unit: "ms",
    target: { kind: "times", most: 1.5 },
    run: firstRequest,
  },
  {
    name: "wake-crowd",
    title: "100 first requests at once: starts beyond one, and requests not answered",
    unit: "requests",
    target: { kind: "most", value: 0 },
    run: oneStart,
  },
  {
    name: "idle-200",
    title: `memory of ${MANY} idle worktrees over one`,
    baseline: "one idle worktree",
    unit: "MB",
    target: { kind: "over", median: 40 },
    slow: true,
    run: idleMemory,
  },
  {
    name: "idle-load",
    title: `${REQUESTS} requests over ${WORKTREES} worktrees that stop after 1 s: failed`,
    unit: "requests",
    target: { kind: "most", value: 0 },
    slow: true,
    run: manyStops,
  },
];
