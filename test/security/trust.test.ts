import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeProject, type TestProject } from "../support/project.ts";
import { waitFor } from "../support/wait.ts";

let project: TestProject;
const canary = () => join(project.root, "../canary");

/** Answers like any backend, and leaves a trace. */
const program = (word: string) => `#!/bin/sh
echo ${word} >>"$CANARY"
exec node -e 'require("http").createServer((q,s)=>s.end("${word}")).listen(process.env.PORT)'
`;

beforeAll(async () => {
  project = await makeProject({
    files: { "web/backend/run": program("first"), "web/frontend/index.html": "hello" },
    config: { services: { web: { env: { CANARY: "" } } } },
  });
  const rc = join(project.root, ".ikigairc.json");
  const text = readFileSync(rc, "utf8").replace(
    '"CANARY": ""',
    `"CANARY": ${JSON.stringify(canary())}`,
  );
  await project.run("sh", ["-c", 'cat >"$1"', "sh", rc], { input: text });
  await project.run("chmod", ["755", "main/web/backend/run"]);
  await project.git("main", "add", "-A");
  await project.git("main", "commit", "-q", "-m", "an executable run");
  await makeBranch("stranger", { "web/backend/run": program("second") });
  await makeBranch("commander", {
    ".ikigairc.json": JSON.stringify({ services: { web: { command: ["touch", canary()] } } }),
  });
  await makeBranch("programmer", {
    "ikigai.config.js": `require("node:fs").writeFileSync(${JSON.stringify(canary())}, "x"); module.exports = {};`,
  });
  const started = await project.ikigai("start");
  expect(started.exitCode, started.stderr).toBe(0);
});
afterAll(() => project?.[Symbol.asyncDispose]());

async function makeBranch(name: string, files: Record<string, string>): Promise<void> {
  await project.git("main", "checkout", "-q", "-b", name);
  for (const [file, input] of Object.entries(files)) {
    await project.run("sh", ["-c", 'cat >"$1"', "sh", file], { cwd: "main", input });
  }
  await project.git("main", "add", "-A");
  await project.git("main", "commit", "-q", "-m", name);
  await project.git("main", "checkout", "-q", "main");
}

const list = async () =>
  JSON.parse((await project.ikigai("wt", "list", "--json")).stdout) as {
    worktrees: {
      slug: string;
      problems: string[];
      services: { name: string; state: string; why?: string; held?: boolean; pid?: number }[];
    }[];
  };
/** The output about one worktree. */
const line = async (slug: string) => {
  const { stdout } = await project.ikigai("wt", "list");
  const [own = "", ...more] = stdout
    .split("\n")
    .filter((text) => text.trim().split(" ")[0] === slug);
  expect(more).toEqual([]);
  return own;
};
const web = async (slug: string) =>
  (await list()).worktrees
    .find((w) => w.slug === slug)
    ?.services.find(({ name }) => name === "web");
const ran = () => (existsSync(canary()) ? readFileSync(canary(), "utf8") : "");

test("the default worktree's content at first is approved and runs", async () => {
  expect((await project.http("/web/api/x")).text).toBe("first");
  expect(ran()).toBe("first\n");
});

test.each(["stranger", "commander", "programmer"])(
  "adding a worktree of %s runs none of its code, also on request",
  async (name) => {
    const before = ran();
    await project.git(".", "worktree", "add", "-q", name, name);
    await waitFor(async () => (await web(name))?.state === "held");
    expect((await web(name))?.why).toMatch(/has not been approved/);
    const answer = await project.http(`/${name}/web/api/x`);
    expect(answer.status).toBe(503);
    expect(answer.text).toContain("has not been approved");
    expect(answer.text).toContain(`ikigai trust ${name}`);
    expect((await project.ikigai("up", `${name}/web`)).exitCode).not.toBe(0);
    expect(await line(name)).toMatch(/\bweb held\b/);
    expect(ran()).toBe(before);
  },
);

test("`ikigai trust` shows the difference, approves nothing without consent, then by content", async () => {
  const shown = await project.ikigai("trust", "stranger");
  expect(shown.exitCode).toBe(1);
  expect(shown.stdout).toMatch(/-.*echo first/);
  expect(shown.stdout).toMatch(/\+.*echo second/);
  expect((await web("stranger"))?.state).toBe("held");
  expect((await project.ikigai("trust", "stranger", "--yes")).exitCode).toBe(0);
  expect((await project.http("/stranger/web/api/x")).text).toBe("second");
  await project.run("sh", ["-c", "echo '# more' >>web/backend/run"], { cwd: "stranger" });
  await project.ikigai("down", "stranger/web");
  expect((await project.http("/stranger/web/api/x")).status).toBe(503);
});

test("content that changed without git noticing is not started when a process ends", async () => {
  const run = join(project.worktree("main"), "web/backend/run");
  const answer = async () => (await project.http("/web/api/x")).text;
  expect(await answer()).toBe("first");
  const { pid } = (await web("main")) ?? {};
  await project.run("sh", ["-c", 'cat >"$1"', "sh", run], { input: program("third") });
  expect(await line("main")).toMatch(/\bweb running, held\b/);
  expect(await web("main")).toMatchObject({ state: "running", held: true });
  expect((await web("main"))?.why).toBe("web/backend/run has not been approved");
  // runsv itself restarts it, without a reconcile.
  process.kill(pid ?? 0, "SIGKILL");
  await waitFor(async () =>
    (await project.ikigai("logs", "main/web")).stdout.includes("run is not as it was approved"),
  );
  expect((await project.http("/web/api/x")).status).toBe(503);
  expect(ran()).not.toContain("third");
  await project.run("sh", ["-c", 'cat >"$1"', "sh", run], { input: program("first") });
  // A pending retry of runsv may fail it once.
  await waitFor(async () => (await project.ikigai("up", "main/web")).exitCode === 0);
  expect(await answer()).toBe("first");
});

test("changed and approved content is what starts next, also without a reconcile between", async () => {
  const run = join(project.worktree("main"), "web/backend/run");
  await project.run("sh", ["-c", 'cat >"$1"', "sh", run], { input: program("fourth") });
  expect((await project.ikigai("trust", "main", "--yes")).exitCode).toBe(0);
  // The running process was approved too, and continues.
  expect((await project.http("/web/api/x")).text).toBe("first");
  for (const word of ["fourth", "first"]) {
    await project.run("sh", ["-c", 'cat >"$1"', "sh", run], { input: program(word) });
    await project.ikigai("down", "main/web");
    expect((await project.http("/web/api/x")).text).toBe(word);
  }
});

test("nothing inside the repository can hold an approval", async () => {
  const { exitCode } = await project.run("grep", [
    "-rlF",
    "echo second",
    join(project.root, ".ikigai"),
  ]);
  expect(exitCode).toBe(1);
});
