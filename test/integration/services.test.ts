import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { processesOf } from "../../scripts/processes.js";
import { layoutOf } from "../../src/model/layout.ts";
import type { TestProject } from "../support/project.ts";
import { must, read, reportOf, startProject } from "../support/running.ts";
import { waitFor } from "../support/wait.ts";

interface Answer {
  readonly greeting: string;
  readonly worktree: string;
  readonly service: string;
  readonly path: string;
  readonly pid: number;
}

const denoIndex = fileURLToPath(
  new URL("../../fixtures/services/deno-index/named/backend/index.ts", import.meta.url),
);
const manifest = JSON.stringify({
  private: true,
  type: "module",
  scripts: { start: "node server.js" },
});
const tellEnvironment = `import { createServer } from "node:http";
createServer((_, response) => response.end(JSON.stringify(process.env))).listen(process.env.PORT);
`;
const answering = [
  "deno-index",
  "deno-main",
  "deno-task",
  "node-start",
  "run-executable",
  "slow-start",
  "tcp-only",
];

/** Values that a shell would interpret, and names that the run script uses. */
const configured = {
  PLAIN: "1",
  EMPTY: "",
  LINES: "one\ntwo\n\n",
  QUOTES: `' " \\ \`date\` $(date) $HOME ; # !`,
  UNICODE: "e\u0301 \u{1f642} \u202e",
  definition: "/nowhere",
  service: "another",
};

let project: TestProject;

beforeAll(async () => {
  project = await startProject({
    // Every kind of service is in one worktree, named like its directory.
    app: "services",
    branches: ["rel-05", "rel-06", "rel-07"],
    config: {
      services: {
        chosen: { command: ["node", "other.js"] },
        "chosen-socket": { command: ["node", "socket.js"] },
        "tcp-only": { listen: "tcp" },
        environment: { env: configured },
      },
    },
    files: {
      "deno-index/backend/index.ts": readFileSync(denoIndex, "utf8"),
      "environment/backend/package.json": manifest,
      "environment/backend/server.js": tellEnvironment,
      "chosen/backend/main.ts": "throw new Error('not this one');",
      "chosen/backend/other.js": `require("node:http").createServer((_, r) => r.end("the chosen one")).listen(process.env.PORT)`,
      "chosen-socket/backend/socket.js": `process.umask(0o177);
require("node:http").createServer((_, r) => r.end("by its socket")).listen(process.env.IKIGAI_SOCKET)`,
      "only-docs/README.md": "No service: neither half is here.\n",
    },
  });
  await project.git(".", "worktree", "add", "--quiet", "rel-05");
}, 180_000);

afterAll(async () => {
  expect(await project?.dispose()).toEqual([]);
}, 60_000);

async function ask(worktree: string, service: string): Promise<Answer> {
  const answer = await project.http(`/${worktree}/${service}/api/a%2Fb?c=%20`);
  expect(answer.status, answer.text).toBe(200);
  return answer.json<Answer>();
}

test("every directory with a backend or a frontend is a service, and nothing else", async () => {
  const names = (await reportOf(project, "rel-05"))?.services.map(({ name }) => name);
  expect(names?.sort()).toEqual(
    [
      ...answering,
      "chosen",
      "chosen-socket",
      "crashing",
      "environment",
      "frontend-only",
      "hanging-stop",
    ].sort(),
  );
});

test.each(answering)("%s answers in each worktree with its own code", async (service) => {
  for (const [worktree, from] of [
    ["main", "Hello from main"],
    ["rel-05", "Hello from rel-05"],
  ] as const) {
    const answer = await ask(worktree, service);
    expect(answer).toMatchObject({ greeting: from, worktree, service, path: "/api/a%2Fb?c=%20" });
  }
});

test("a backend that can only listen on TCP has a port of its own in each of many worktrees", async () => {
  await Promise.all(
    ["rel-06", "rel-07"].map((name) => project.git(".", "worktree", "add", "--quiet", name)),
  );
  const worktrees = ["main", "rel-05", "rel-06", "rel-07"];
  await Promise.all(worktrees.map((name) => must(project, "wt", "wait", name)));
  const answers = await Promise.all(worktrees.map((name) => ask(name, "tcp-only")));
  expect(answers.map(({ worktree }) => worktree)).toEqual(worktrees);
  const map = readFileSync(join(layoutOf(project.root).run, "ports.map"), "utf8");
  const ports = [...map.matchAll(/"[a-z0-9-]+\/tcp-only" (\d+);/g)].map(([, port]) => port);
  expect(ports.length).toBeGreaterThanOrEqual(4);
  expect(new Set(ports).size).toBe(ports.length);
});

test("every address that is shown answers, that of a backend without a frontend too", async () => {
  const report = await reportOf(project, "rel-05");
  const shown = await must(project, "wt", "show", "rel-05");
  const visit = async (url: string) => {
    const { hostname, pathname } = new URL(url);
    return project.http(pathname, { host: hostname });
  };
  for (const { name, url } of [
    { name: "the worktree", url: report?.url },
    ...(report?.services ?? []),
  ]) {
    if (!url) throw new Error(`${name} has no address`);
    expect(shown).toContain(url);
    const first = await visit(url);
    const { location } = first.headers;
    const answer = location === undefined ? first : await visit(new URL(location, url).href);
    expect([name, answer.status], answer.text).toEqual([name, name === "crashing" ? 503 : 200]);
  }
});

test("a request to a missing frontend is answered with the address that works", async () => {
  const next = `http://node-start.rel-05.localhost:${project.httpPort}`;
  const answer = await project.http("/rel-05/node-start/");
  expect([answer.status, answer.json().next]).toEqual([404, next]);
  const none = await project.http("/", { host: "rel-05.localhost" });
  const why = "The worktree rel-05 has no service backend.";
  expect([none.status, none.json().why]).toEqual([404, why]);
});

test("a configured command takes precedence over the conventions", async () => {
  expect((await project.http("/main/chosen/api/")).text).toBe("the chosen one");
});

test("a backend that may listen either way answers on the socket, though it changed its mode", async () => {
  for (const _ of ["woken", "awake"]) {
    const answer = await project.http("/rel-05/chosen-socket/api/");
    expect([answer.status, answer.text]).toEqual([200, "by its socket"]);
  }
});

test("a frontend is served as it is, with its page for every route of its own", async () => {
  const page = await project.http("/rel-05/frontend-only/");
  expect(page.headers["content-type"]).toContain("text/html");
  expect((await project.http("/rel-05/frontend-only/some/route")).text).toBe(page.text);
  const style = await project.http("/rel-05/frontend-only/assets/style.css");
  expect(style.headers["content-type"]).toContain("text/css");
  const missing = await project.http("/rel-05/frontend-only/api/x");
  expect([missing.status, missing.json()]).toEqual([
    404,
    {
      error: "Not found",
      why: "The service frontend-only of rel-05 has no backend.",
      next: "ikigai wt list",
    },
  ]);
});

test("a backend gets its worktree's connection and nothing of another one", async () => {
  const shell = await read<Record<string, string>>(project, "env", "rel-05");
  const answer = await project.http("/rel-05/environment/api/");
  const seen = answer.json<Record<string, string>>();
  for (const name of ["DATABASE_URL", "PGHOST", "PGPORT", "PGUSER", "PGDATABASE"]) {
    expect([name, seen[name]]).toEqual([name, shell[name]]);
  }
  expect(seen).toMatchObject({
    IKIGAI_WORKTREE: "rel-05",
    IKIGAI_SERVICE: "environment",
    IKIGAI_URL: `${shell.IKIGAI_URL}/environment`,
  });
  expect(answer.text).not.toMatch(/rel-06|rel_06|wt_main/);
});

test("configured variables reach a backend byte for byte", async () => {
  const answer = await project.http("/rel-05/environment/api/");
  expect(answer.json()).toMatchObject(configured);
});

test("a crashing service gets 503 with its last lines, as JSON and as a page", async () => {
  const json = await project.http("/rel-05/crashing/api/x");
  expect(json.status).toBe(503);
  expect(json.json()).toMatchObject({
    error: "rel-05/crashing is down",
    why: expect.stringMatching(/ended|failed|crash|exit/i),
    next: expect.stringContaining("ikigai "),
    log: expect.arrayContaining([expect.stringContaining("The table wishes is missing")]),
  });
  const headers = { accept: "text/html" };
  const page = await project.http("/rel-05/crashing/api/x", { headers });
  expect([page.status, page.headers["content-type"]]).toEqual([503, "text/html; charset=utf-8"]);
  expect(page.text).toContain("The table wishes is missing");
  const up = await project.ikigai("up", "rel-05/crashing");
  expect(up.exitCode).toBe(1);
  expect(up.stderr).toContain("The table wishes is missing");
  expect((await ask("rel-05", "node-start")).worktree).toBe("rel-05");
});

test("a service that ignores SIGTERM is killed", async () => {
  const { pid } = await ask("rel-05", "hanging-stop");
  const runs = async () => (await processesOf([project.root])).some((one) => one.pid === pid);
  expect(await runs()).toBe(true);
  await must(project, "down", "rel-05/hanging-stop");
  await waitFor(async () => !(await runs()));
  expect((await ask("rel-05", "hanging-stop")).pid).not.toBe(pid);
}, 60_000);

test("services are shown, started and stopped by name", async () => {
  await must(project, "down", "rel-06");
  const stateOf = async () =>
    (await reportOf(project, "rel-06"))?.services.find(({ name }) => name === "node-start")?.state;
  expect(["idle", "stopped"]).toContain(await stateOf());
  await must(project, "up", "rel-06/node-start");
  expect(await stateOf()).toBe("running");
  const sv = join(layoutOf(project.root).bin, "sv");
  const status = await project.run(sv, ["status", ".ikigai/sv/rel-06.node-start"]);
  expect(status.stdout).toMatch(/^run: .*rel-06\.node-start: \(pid \d+\)/);
  const { pid } = await ask("rel-06", "node-start");
  // runit's sv takes a service that started within this second for restarted.
  await waitFor(async () => {
    const restart = await project.run(sv, ["restart", ".ikigai/sv/rel-06.node-start"]);
    expect(restart.exitCode, restart.stdout).toBe(0);
    return (await ask("rel-06", "node-start")).pid !== pid;
  });
});

test("a backend that is added later is found without a command", async () => {
  const top = project.worktree("rel-07");
  await project.run("cp", ["-r", "node-start", "later"], { cwd: top });
  const found = waitFor(async () => (await project.http("/rel-07/later/api/")).status === 200);
  await expect(found).resolves.toBe(true);
  await project.run("rm", ["-rf", "later"], { cwd: top });
  await waitFor(async () => (await project.http("/rel-07/later/api/")).status === 404);
});

test("a service's log is in the documented place, and is printed by name", async () => {
  const printed = await must(project, "logs", "rel-05/crashing");
  expect(printed).toContain("crashing begins");
  const file = join(layoutOf(project.root).logs, "rel-05.crashing/current");
  expect(readFileSync(file, "utf8")).toContain("crashing begins");
});
