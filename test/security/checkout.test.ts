import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
} from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeProject, type TestProject } from "../support/project.ts";
import { waitFor } from "../support/wait.ts";

/** A branch's files in place of ikigai's own, which leave a trace when they run. */
const canary = (root: string) => join(root, "../canary");
const PLANTED = [
  "bin/nginx",
  "bin/psql",
  "bin/ls",
  "bin/runsvdir",
  "scripts/settings",
  "scripts/lib/base.sh",
  "scripts/service/run",
  "sv/evil/run",
  "sv/daemon/run",
  "sv/daemon/check",
  "sv/nginx/log/run",
  "httpd/nginx.conf",
  "run/env/main.sh",
  "run/env/rel-05.sh",
  "run/services/main.backend/command",
  "run/services/rel-05.backend/command",
  "deno/9.9.9/node_modules/@deno/linux/deno",
  "scripts/approved",
  "run/secret",
  "run/ports.map",
  "logs/daemon/config",
  "logs/main.backend/config",
  "logs/rel-05.backend/config",
];
/** Links, with their relative targets. */
const LINKS: readonly (readonly [string, string])[] = [
  ["sv/outside", "../../evil"],
  ["httpd/root/zzz/frontend", "/etc"],
  ["httpd/root/rel-05/zzz", "/etc"],
  ["daemon.sock", "run/sockets/rel-05/backend.sock"],
  ["run/gate.sock", "sockets/rel-05/backend.sock"],
];
/** svlogd(8) runs what follows the exclamation mark when a log is rotated. */
const config = (root: string) => `s4096\n!echo config >>'${canary(root)}'\n`;

let project: TestProject;

beforeAll(async () => {
  project = await makeProject({ layout: "clone", worktrees: ["rel-05"] });
  expect((await project.ikigai("start")).exitCode).toBe(0);
  expect((await project.http("/rel-05/api/x")).status).toBe(200);
  await makeEvilBranch();
});
afterAll(() => project?.[Symbol.asyncDispose]());

/** Made with git's plumbing, so that nothing of ours changes. */
async function makeEvilBranch(): Promise<void> {
  const { root, home } = project;
  const scratch = join(home, "evil");
  mkdirSync(scratch);
  const env = {
    GIT_INDEX_FILE: join(home, "index"),
    GIT_WORK_TREE: scratch,
    GIT_DIR: join(root, ".git"),
  };
  const script = `#!/bin/sh\necho "$0 $$ $PWD" >>'${canary(root)}'\n`;
  for (const name of PLANTED) {
    const file = join(scratch, ".ikigai", name);
    mkdirSync(join(file, ".."), { recursive: true });
    await writeFile(file, name.endsWith("/config") ? config(root) : script);
    chmodSync(file, 0o755);
  }
  for (const [name, target] of LINKS) {
    mkdirSync(join(scratch, ".ikigai", name, ".."), { recursive: true });
    symlinkSync(target, join(scratch, ".ikigai", name));
  }
  const git = async (...args: string[]) => {
    const { stdout, stderr, exitCode } = await project.run("git", args, { cwd: scratch, env });
    if (exitCode !== 0) throw new Error(stderr);
    return stdout.trim();
  };
  await git("read-tree", "main");
  await git("add", "-f", ".ikigai");
  const commit = await git("commit-tree", "-p", "main", "-m", "evil", await git("write-tree"));
  await git("update-ref", "refs/heads/evil", commit);
}

/** As the message says: ours have replaced the branch's by now, and git would not overwrite them. */
const leave = async () => {
  await project.git(".", "rm", "-r", "-q", "--cached", ".ikigai");
  await project.git(".", "checkout", "--quiet", "main");
};

const whatRan = () =>
  existsSync(canary(project.root)) ? readFileSync(canary(project.root), "utf8") : "";

const list = async () => {
  const { stdout } = await project.ikigai("wt", "list", "--json");
  return JSON.parse(stdout) as {
    running: boolean;
    worktrees: { slug: string; services: unknown[]; problems: string[] }[];
  };
};
const ours = (name: string) =>
  readFileSync(new URL(`../../controls/${name}`, import.meta.url), "utf8");
const at = (name: string) => join(project.root, ".ikigai", name);
const isThere = (name: string) => lstatSync(at(name), { throwIfNoEntry: false }) !== undefined;
const there = (name: string) => readFileSync(join(project.root, ".ikigai", name), "utf8");

/** Does what a shell does at its next prompt. */
const prompt = () => project.run("direnv", ["exec", project.root, "true"]);

test("checking out a branch with an .ikigai of its own runs none of it", async () => {
  const before = there("scripts/settings");
  const approved = there("scripts/approved");
  await project.git(".", "checkout", "--quiet", "evil");
  expect((await prompt()).exitCode).toBe(0);
  await waitFor(() => there("bin/psql") === ours("bin/psql"));
  // The next command in a shell, an activation, and what runsvdir finds in its next scans.
  await waitFor(async () =>
    (await list()).worktrees[0]?.problems.join().includes(".ikigai/bin/ls"),
  );
  for (const name of [
    "bin/nginx",
    "scripts/lib/base.sh",
    "scripts/service/run",
    "sv/daemon/check",
  ]) {
    expect(there(name), name).toBe(ours(name));
  }
  expect(there("scripts/settings")).toBe(before);
  expect(there("httpd/nginx.conf")).toMatch(/^# Written by ikigai/);
  expect(existsSync(join(project.root, ".ikigai/bin/ls"))).toBe(false);
  expect(readdirSync(join(project.root, ".ikigai/sv"))).not.toContain("evil");
  expect(readdirSync(join(project.root, ".ikigai/sv"))).not.toContain("outside");
  expect(existsSync(join(project.root, ".ikigai/deno/9.9.9"))).toBe(false);
  expect(there("scripts/approved")).toBe(approved);
  for (const name of PLANTED.filter((planted) => planted.endsWith("/config"))) {
    expect(isThere(name), name).toBe(false);
  }
  // The daemon, whose sockets were replaced, restarts.
  for (const name of ["daemon.sock", "run/gate.sock"]) {
    await waitFor(() => isThere(name) && lstatSync(at(name)).isSocket());
  }
  await waitFor(async () => (await list()).running);
  await waitFor(() => !isThere("httpd/root/zzz") && !isThere("httpd/root/rel-05/zzz"));
  await waitFor(async () => (await project.http("/zzz/frontend/passwd")).status === 404);
  expect(isThere("run/secret") && there("run/secret").includes("canary")).toBe(false);
  expect(there("run/ports.map")).not.toContain("canary");
  const main = (await list()).worktrees.find((w) => w.slug === "main");
  expect(main?.services).toEqual([]);

  for (const name of ["run/env/main.sh", "run/env/rel-05.sh"]) {
    await waitFor(() => there(name).startsWith("unset "));
  }
  await waitFor(() => !there("run/services/rel-05.backend/command").includes("canary"));
  await project.ikigai("down", "rel-05");
  await waitFor(async () => (await project.http("/rel-05/api/x")).status === 200);
  const scans = Date.now() + 6_000;
  await waitFor(() => Date.now() > scans, { what: "runsvdir's next looks" });
  expect(whatRan()).toBe("");
});

test("start refuses such a branch by name, and stop runs none of it", async () => {
  expect((await project.ikigai("stop")).exitCode).toBe(0);
  await leave();
  await project.git(".", "checkout", "--quiet", "evil");
  expect(there("bin/runsvdir")).toContain("canary");
  expect(there("run/env/main.sh")).toContain("canary");
  expect((await prompt()).exitCode).toBe(0);
  expect(whatRan()).toBe("");
  expect((await project.ikigai("stop")).exitCode).toBe(0);
  const refused = await project.ikigai("start");
  expect(refused.exitCode).toBe(1);
  expect(refused.stderr).toMatch(/the branch tracks \.ikigai\/bin\/\w+/);
  expect(refused.stderr).toContain("git rm -r -q --cached .ikigai");
  expect(whatRan()).toBe("");
});

test("everything works again on a branch without it", async () => {
  await leave();
  expect((await project.ikigai("start")).exitCode).toBe(0);
  expect((await project.http("/main/api/x")).status).toBe(200);
  expect(await project.git(".", "status", "--porcelain")).toBe("");
  expect(whatRan()).toBe("");
});

test("a foreign configuration of svlogd is removed before it is read", async () => {
  expect((await project.ikigai("stop")).exitCode).toBe(0);
  const left = ["logs/daemon/config", "logs/main.backend/config"];
  for (const name of left) await writeFile(at(name), config(project.root));
  expect((await project.ikigai("start")).exitCode).toBe(0);
  await waitFor(async () => (await project.http("/main/api/x")).status === 200);
  for (const name of left) await waitFor(() => !isThere(name), { what: name });
  expect(whatRan()).toBe("");
});

test("a worktree whose branch has an .ikigai of its own still belongs to the project", async () => {
  await project.git(".", "worktree", "add", "--quiet", join(project.root, "../guest"), "evil");
  const cli = join(import.meta.dirname, "../../dist/cli.cjs");
  const { stderr, exitCode } = await project.run(process.execPath, [cli, "stop"], {
    cwd: "../guest",
  });
  expect(exitCode, stderr).toBe(0);
  expect(whatRan()).toBe("");
});
