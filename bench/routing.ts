import { type Bench, started } from "./harness/bench.ts";
import { load, startPlainNginx } from "./harness/nginx.ts";
import { isInstalled, until } from "./harness/programs.ts";
import type { BenchProject } from "./harness/project.ts";
import { rounds } from "./harness/rounds.ts";
import type { Measured, Row } from "./harness/row.ts";

const ROUNDS = 9;
const SECONDS = 2;

/** Constant responses: with a length, as frameworks send them, and in chunks, as a stream does. */
const SERVER = `import { createServer } from "node:http";
const body = JSON.stringify({ greeting: "hello", text: "x".repeat(200) });
createServer((request, response) => {
  response.setHeader("content-type", "application/json");
  if (request.url.endsWith("/pieces")) response.flushHeaders();
  response.end(body);
}).listen(process.env.PORT);
`;

function routed(bench: Bench): Promise<BenchProject> {
  return bench.project("routed", { files: { "backend/server.js": SERVER } }, (project) => {
    project.ikigai("start");
  });
}

async function throughput(
  bench: Bench,
  path: string,
  plainPath: string,
): Promise<Measured | string> {
  if (!isInstalled("wrk")) return "wrk is not installed.";
  const project = await routed(bench);
  const ours = `http://127.0.0.1:${project.httpPort}/main${path}`;
  await until("the backend", async () => (await fetch(ours)).ok);
  const plain = await startPlainNginx(bench.directory("nginx"), project, {
    socket: `${project.root}/.ikigai/run/sockets/main/backend.sock`,
    documents: `${project.root}/main/frontend`,
  });
  let lost = 0;
  const perSecond = (address: string) => async () => {
    const result = await load(address, SECONDS).done;
    lost += result.lost;
    return result.perSecond;
  };
  try {
    const samples = await rounds(ROUNDS, {
      baseline: perSecond(`http://127.0.0.1:${plain.port}${plainPath}`),
      ikigai: perSecond(ours),
    });
    return { ...samples, notes: lost > 0 ? [`${lost} requests lost`] : [] };
  } finally {
    await plain.end();
  }
}

const COMING_AND_GOING = 200;

/** Counts lost requests to one worktree while others are added and removed. */
async function lostRequests(bench: Bench): Promise<Measured | string> {
  if (!isInstalled("wrk")) return "wrk is not installed.";
  const project = await started(bench);
  const { root, httpPort } = project;
  const address = `http://127.0.0.1:${httpPort}/main/api/`;
  await until("the backend", async () => (await fetch(address)).ok);
  const running = [address, `http://127.0.0.1:${httpPort}/main/`].map((each) => load(each, 600, 4));
  for (let i = 0; i < COMING_AND_GOING; i++) {
    await project.gitBeside(root, "worktree", "add", "--quiet", "--detach", `come-${i}`);
    if (i >= 3) await project.gitBeside(root, "worktree", "remove", "--force", `come-${i - 3}`);
  }
  for (const { child } of running) child.kill("SIGINT");
  const loads = await Promise.all(running.map(({ done }) => done));
  const all = loads.reduce((sum, { requests }) => sum + requests, 0);
  const lost = loads.reduce((sum, each) => sum + each.lost, 0);
  if (all === 0) return "wrk told of no requests.";
  return { ikigai: [lost], notes: [`of ${all} requests while ${COMING_AND_GOING} came and went`] };
}

export const rows: readonly Row[] = [
  {
    name: "warm",
    title: "a warm request through nginx",
    baseline: "a fixed upstream with keep-alive",
    unit: "requests/s",
    target: { kind: "share", least: 0.75 },
    run: (bench) => throughput(bench, "/api/", "/api/"),
  },
  {
    name: "warm-pieces",
    title: "the same, answered in pieces that are passed on at once",
    baseline: "a fixed upstream, passed on at once too",
    unit: "requests/s",
    target: { kind: "share", least: 0.75 },
    run: (bench) => throughput(bench, "/api/pieces", "/streamed/pieces"),
  },
  {
    name: "static",
    title: "a static file",
    baseline: "plain nginx",
    unit: "requests/s",
    target: { kind: "share", least: 0.95 },
    run: (bench) => throughput(bench, "/frontend/index.html", "/index.html"),
  },
  {
    name: "lost",
    title: "requests lost while 200 worktrees come and go",
    unit: "requests",
    target: { kind: "most", value: 0 },
    run: lostRequests,
  },
];
