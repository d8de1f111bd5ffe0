import { existsSync } from "node:fs";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeProject, type TestProject } from "../support/project.ts";

let project: TestProject;
const canary = () => join(project.root, "../program-ran");
const rc = () => join(project.worktree("main"), ".ikigairc.json");
let before: Record<string, unknown>;

beforeAll(async () => {
  project = await makeProject({ layout: "clone" });
  expect((await project.ikigai("init")).exitCode).toBe(0);
  before = JSON.parse(await readFile(rc(), "utf8"));
});
afterAll(() => project?.[Symbol.asyncDispose]());

/** A program that a later commit names, which leaves a trace when it is run. */
async function name(settings: (path: string) => object): Promise<string> {
  const path = join(project.root, "../strange");
  const tool = `#!/bin/sh\ntouch '${canary()}'\necho 'nginx version: nginx/1.99.0' >&2\n`;
  for (const file of [path, `${path}-bin`]) {
    if (file === path) await writeFile(file, tool);
    else await project.run("mkdir", ["-p", file]);
  }
  for (const one of ["postgres", "initdb", "pg_ctl", "psql"]) {
    await writeFile(`${path}-bin/${one}`, tool);
    await chmod(`${path}-bin/${one}`, 0o755);
  }
  await chmod(path, 0o755);
  await writeFile(rc(), JSON.stringify({ ...before, ...settings(path) }));
  return path;
}

test.each<[string, (path: string) => object]>([
  ["programs.nginx", (nginx) => ({ programs: { nginx } })],
  ["programs.node", (node) => ({ programs: { node } })],
  ["postgres.bin", (p) => ({ postgres: { ...(before.postgres as object), bin: `${p}-bin` } })],
])("%s of a later commit is run by nothing before it is approved", async (key, settings) => {
  const path = await name(settings);
  const doctor = await project.ikigai("doctor", "--json");
  expect(doctor.exitCode).toBe(1);
  const { findings } = JSON.parse(doctor.stdout) as { findings: Record<string, string>[] };
  expect(findings.find(({ what }) => what === key)).toMatchObject({
    state: "problem",
    detail: expect.stringMatching(/has not been approved/),
    next: "ikigai trust main",
  });
  for (const command of ["init", "start", "restart"]) {
    const { exitCode, stderr } = await project.ikigai(command);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`${key} "${path}`);
    expect(stderr).toContain("next: ikigai trust main");
  }
  await project.run(join(project.root, ".ikigai/bin/nginx"), ["-v"]);
  expect(existsSync(canary())).toBe(false);
});

test("an approved one is", async () => {
  await name((nginx) => ({ programs: { nginx } }));
  expect((await project.ikigai("trust", "--yes")).exitCode).toBe(0);
  await project.ikigai("doctor");
  expect(existsSync(canary())).toBe(true);
});
