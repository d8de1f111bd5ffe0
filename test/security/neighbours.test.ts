import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { processesOf } from "../faults/support/processes.ts";
import { accounts, identityOf, ourselves } from "../support/as-user.ts";
import { ownerLogin } from "../support/owner.ts";
import { makeProject, type TestProject } from "../support/project.ts";

let project: TestProject;
const other = accounts().find(({ uid }) => uid !== ourselves.uid);
const PASSWORD = "unusual-password";
/** Every argument list during the creation of the cluster. */
const seen = new Set<string>();

/** Variables of another worktree, or of the user, that the shell of `ikigai start` may have. */
const FOREIGN = {
  PGUSER: "foreign",
  PGPASSWORD: "foreign",
  PGOPTIONS: "-c search_path=foreign",
  PGSERVICE: "foreign",
  PGHOSTADDR: "192.0.2.1",
  DATABASE_URL: "postgres://foreign",
  IKIGAI_WORKTREE: "foreign",
  IKIGAI_SERVICE: "foreign",
  NODE_OPTIONS: "--title=foreign",
  SHELL_TOKEN: "foreign",
};

beforeAll(async () => {
  project = await makeProject({
    worktrees: ["rel-05"],
    config: { postgres: { password: PASSWORD } },
  });
  const cli = join(import.meta.dirname, "../../dist/cli.cjs");
  let over = false;
  const starting = project.run(process.execPath, [cli, "start"], { env: FOREIGN }).finally(() => {
    over = true;
  });
  while (!over) {
    for (const { line } of processesOf(project.root)) seen.add(line);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const { exitCode, stderr } = await starting;
  expect(exitCode, stderr).toBe(0);
  expect((await project.http("/rel-05/api/x")).status).toBe(200);
  await project.run(join(project.root, ".ikigai/bin/psql"), ["-c", "SELECT 1"]);
});
afterAll(() => project?.[Symbol.asyncDispose]());

function everything(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    return entry.isDirectory() ? [path, ...everything(path)] : [path];
  });
}

test("other accounts can reach nothing below .ikigai, and sockets belong to their owner", () => {
  const top = lstatSync(join(project.root, ".ikigai"));
  expect([0o700, 0o711]).toContain(top.mode & 0o777);
  for (const name of readdirSync(join(project.root, ".ikigai"))) {
    const stat = lstatSync(join(project.root, ".ikigai", name));
    if (stat.isSymbolicLink()) continue;
    expect(stat.mode & 0o077, name).toBe(0);
  }
  const sockets = everything(join(project.root, ".ikigai")).filter((path) =>
    lstatSync(path).isSocket(),
  );
  const own = sockets.filter((path) => /\/(?:daemon|gate)\.sock$/.test(path));
  expect(own).toHaveLength(2);
  for (const path of own) expect(lstatSync(path).mode & 0o777, path).toBe(0o600);
});

test("a secret is in no argument list and in no file that others may read", async () => {
  const secrets = everything(join(project.root, ".ikigai/run/env"))
    .filter((path) => path.endsWith(".pgpass"))
    .flatMap((path) => readFileSync(path, "utf8").split("\n"))
    .flatMap((line) => line.split(":")[4] ?? [])
    .filter((word) => word.length > 10);
  expect(new Set(secrets).size).toBe(2);
  secrets.push(ownerLogin(project).password);
  for (const { line } of processesOf(project.root)) {
    for (const secret of secrets) expect(line).not.toContain(secret);
  }
  const open = everything(project.root).filter((path) => {
    const stat = lstatSync(path);
    return stat.isFile() && (stat.mode & 0o004) !== 0 && !path.includes("/.git/objects/");
  });
  const config = join(project.root, ".ikigairc.json");
  const reachable = (p: string) => !p.startsWith(join(project.root, ".ikigai/")) && p !== config;
  for (const path of open.filter(reachable)) {
    const text = readFileSync(path, "latin1");
    for (const secret of secrets) expect(text.includes(secret), path).toBe(false);
  }
});

test("creating and querying the cluster puts no password into an argument list", () => {
  expect(seen.size).toBeGreaterThan(5);
  expect([...seen].filter((line) => line.includes(PASSWORD))).toEqual([]);
});

test("no program of the project inherits variables of the shell that started it, or of another worktree", () => {
  const running = processesOf(project.root);
  const passwordOf = (slug: string) =>
    readFileSync(join(project.root, `.ikigai/run/env/${slug}.pgpass`), "utf8")
      .split("\n")[0]
      ?.split(":")[4] ?? "";
  const neighbours: Readonly<Record<string, string>> = { main: "rel-05", "rel-05": "main" };
  const served = new Set<string>();
  for (const { line, environment } of running) {
    const mine = /^IKIGAI_WORKTREE=(.*)$/m.exec(environment)?.[1];
    if (mine !== undefined) served.add(mine);
    const names = mine === undefined ? ["main", "rel-05"] : [neighbours[mine] ?? ""];
    const secrets = [PASSWORD, ...names.map(passwordOf)];
    for (const word of ["foreign", "192.0.2.1", ...secrets]) {
      expect(environment.includes(word), `${line}: ${word}`).toBe(false);
    }
  }
  expect([...served].sort()).toEqual(["main", "rel-05"]);
});

test.skipIf(!other)("another local user learns nothing from files, sockets or /proc", async () => {
  const account = other ?? ourselves;
  const dir = join(project.root, ".ikigai");
  const [daemon] = processesOf(project.root).filter(({ line }) => /daemon\.js /.test(line));
  const [backend] = processesOf(project.root).filter(({ environment }) =>
    environment.includes("IKIGAI_SERVICE=backend"),
  );
  const attempts: [string, string[]][] = [
    ["cat", [`${dir}/run/secret`]],
    ["cat", [`${dir}/scripts/settings`]],
    ["cat", [`${dir}/run/env/main.pgpass`]],
    ["ls", [`${dir}/run`]],
    ["ls", [dir]],
    ["curl", ["-sf", "--unix-socket", `${dir}/daemon.sock`, "http://ikigai/v1/health"]],
    ["curl", ["-sf", "--unix-socket", `${dir}/run/gate.sock`, "http://gate/wake"]],
    ["curl", ["-sf", "--unix-socket", `${dir}/run/sockets/main/backend.sock`, "http://x/api/x"]],
    ["cat", [`/proc/${daemon?.pid}/environ`]],
    ["cat", [`/proc/${backend?.pid}/environ`]],
    ["sh", ["-c", `echo x >'${dir}/sv/evil'`]],
    ["kill", ["-0", String(daemon?.pid)]],
  ];
  for (const [command, args] of attempts) {
    // A failure for lack of the program would prove nothing.
    const mine = await execa("sh", ["-c", 'command -v "$0"', command], {
      cwd: "/",
      reject: false,
      ...identityOf(account),
    });
    expect(mine.exitCode, command).toBe(0);
    const result = await execa(command, args, { ...identityOf(account), cwd: "/", reject: false });
    expect([undefined, 126, 127], `${command} ${args.join(" ")}`).not.toContain(result.exitCode);
    expect(result.exitCode, `${command} ${args.join(" ")}`).not.toBe(0);
    expect(result.stdout).toBe("");
  }
});
