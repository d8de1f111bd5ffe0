import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import type { ConfigurationInput } from "../../src/model/configuration/configuration.ts";
import { makeProject, type TestProject } from "../support/project.ts";
import { waitFor } from "../support/wait.ts";

/** Answers a POST once a file `finish` exists beside it. */
const SERVER = `
const { existsSync, writeFileSync } = require("node:fs");
require("node:http").createServer((request, response) => {
  const answer = () => response.end(JSON.stringify({ pid: process.pid, is: process.env.VERSION }));
  if (request.method !== "POST") return answer();
  writeFileSync("inside", "");
  const timer = setInterval(() => existsSync("finish") && answer(clearInterval(timer)), 10);
}).listen(process.env.PORT);
`;

interface Said {
  readonly pid: number;
  readonly is: string;
}

let project: TestProject;
afterEach(() => project?.[Symbol.asyncDispose]());

async function configure(services: ConfigurationInput["services"]): Promise<void> {
  const ports = { http: { port: project.httpPort }, postgres: { port: project.postgresPort } };
  writeFileSync(`${project.root}/.ikigairc.json`, JSON.stringify({ ...ports, services }));
}

const version = (is: string): ConfigurationInput["services"] => ({
  backend: { env: { VERSION: is } },
});

async function start(): Promise<void> {
  project = await makeProject({
    files: {
      "backend/server.js": SERVER,
      "backend/package.json": '{"scripts":{"start":"node server.js"}}',
    },
    config: { services: version("old") ?? {} },
  });
  const started = await project.ikigai("start");
  expect(started.exitCode, started.stderr).toBe(0);
  expect((await project.http("/main/api/")).json<Said>().is).toBe("old");
}

const file = (name: string) => join(project.worktree("main"), "backend", name);
const defined = () => {
  const file = join(project.root, ".ikigai/run/services/main.backend/environment");
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  return /^export VERSION='(.*)'$/m.exec(text)?.[1] ?? "";
};

test("a request under way finishes, and a later one is answered by the new process", async () => {
  await start();
  const inside = project.http("/main/api/", { body: "pay" });
  await waitFor(() => existsSync(file("inside")));
  await configure(version("new"));
  await waitFor(() => defined() === "new");
  const aside = join(project.root, ".ikigai/run/sockets/main/.backend.aside");
  await waitFor(() => existsSync(aside));
  // Not GET, for which nginx may use a kept connection.
  const next = project.http("/main/api/", { method: "PUT" });
  writeFileSync(file("finish"), "");
  const [first, second] = [await inside, await next];
  expect([first.status, first.json<Said>().is]).toEqual([200, "old"]);
  expect([second.status, second.json<Said>().is]).toEqual([200, "new"]);
  expect(existsSync(aside)).toBe(false);
});

test("a restart is completed although the daemon is killed during the drain", async () => {
  await start();
  const inside = project.http("/main/api/", { body: "pay" });
  await waitFor(() => existsSync(file("inside")));
  await configure(version("new"));
  const aside = join(project.root, ".ikigai/run/sockets/main/.backend.aside");
  await waitFor(() => existsSync(aside));
  const supervised = join(project.root, ".ikigai/sv/daemon/supervise/pid");
  process.kill(Number(readFileSync(supervised, "utf8")), "SIGKILL");
  writeFileSync(file("finish"), "");
  expect((await inside).json<Said>().is).toBe("old");
  await waitFor(async () => {
    const { status, text } = await project.http("/main/api/");
    return status === 200 && (JSON.parse(text) as Said).is === "new";
  });
});
