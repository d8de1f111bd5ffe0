import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { processesOf } from "../../scripts/processes.js";
import { makeProject, type TestProject } from "../support/project.ts";

const cliOf = (project: TestProject, cwd: string, ...args: string[]) =>
  project.run(process.execPath, [join(process.cwd(), "dist/cli.cjs"), ...args], { cwd });

/** Reads every file below a directory; links by their target. */
function contents(directory: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const { mode } = lstatSync(path);
    found.set(path, `${mode.toString(8)} ${entry.isFile() ? readFileSync(path, "latin1") : ""}`);
  }
  return found;
}

describe.each(["bare", "dot-bare", "clone"] as const)("in a %s repository", (layout) => {
  test("init makes .ikigai beside .git, once, and it shows in no git status", async () => {
    await using project = await makeProject({ layout, worktrees: ["rel-05"] });
    const main = project.worktree("main");
    const first = await cliOf(project, join(main, "backend"), "init");
    expect([first.exitCode, first.stdout]).toEqual([0, ""]);
    expect(first.stderr).toContain(`✔ ${project.root}/.ikigai is ready`);
    expect(first.stderr).toContain(`http://localhost:${project.httpPort}`);
    expect(first.stderr).toMatch(/next: ikigai start$/);

    const ikigai = join(project.root, ".ikigai");
    expect(lstatSync(ikigai).mode & 0o066).toBe(0);
    expect(readdirSync(ikigai)).toEqual(
      expect.arrayContaining(["bin", "deno", "httpd", "logs", "run", "scripts", "sv"]),
    );
    expect(readdirSync(join(ikigai, "bin")).sort()).toEqual(
      ["deno", "ikigai", "nginx", "pg_ctl", "psql", "runsvdir", "sv"].sort(),
    );
    expect(readdirSync(join(ikigai, "scripts"))).toContain("postgres");
    expect(readdirSync(join(ikigai, "httpd")).sort()).toEqual(["nginx.conf", "pid", "root"]);

    const before = contents(ikigai);
    const again = await cliOf(project, project.root, "init");
    expect([again.exitCode, again.stderr]).toEqual([0, expect.stringContaining("up to date")]);
    expect(contents(ikigai)).toEqual(before);

    for (const name of ["main", "rel-05"]) {
      const status = await project.git(project.worktree(name), "status", "--porcelain");
      expect(status).toBe("");
    }
    expect(await processesOf([project.root])).toEqual([]);
  });
});

test("git, direnv and curl outside of PATH are found, and added to the PATH of all started programs", async () => {
  await using project = await makeProject();
  const env = { PATH: join(project.home, "bin") };
  const cli = join(process.cwd(), "dist/cli.cjs");
  const { exitCode, stderr } = await project.run(process.execPath, [cli, "init"], { env });
  expect(exitCode, stderr).toBe(0);
  const settings = readFileSync(join(project.root, ".ikigai/scripts/settings"), "utf8");
  const [, path = ""] = /^IKIGAI_PATH='(.*)'$/m.exec(settings) ?? [];
  expect(path.split(":")[0]).toBe(env.PATH);
  for (const name of ["git", "direnv", "curl"]) {
    expect(path.split(":").some((place) => existsSync(join(place, name)))).toBe(true);
  }
});

describe("init refuses", () => {
  test("outside a repository", async () => {
    await using project = await makeProject();
    const outcome = await cliOf(project, project.home, "init");
    expect(outcome).toEqual({
      exitCode: 1,
      stdout: "",
      stderr: `ikigai: ${project.home} is not in a git repository.\n  next: git init, or cd into a repository`,
    });
  });

  test("where a configured program is missing, with what to correct", async () => {
    const programs = { nginx: "/nowhere/nginx", runsvdir: "/nowhere/runsvdir" };
    await using project = await makeProject({ config: { programs } });
    for (const command of ["init", "start"]) {
      const { exitCode, stderr } = await project.ikigai(command);
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(
        /^ikigai: Not found on this machine: (runsvdir, nginx|nginx, runsvdir)$/m,
      );
      expect(stderr).toContain("nginx: the configuration says /nowhere/nginx");
      expect(stderr).toContain("\n  next: correct the paths in .ikigairc.json");
    }
  });

  test.runIf(process.getuid?.() === 0)("in another account's directory", async () => {
    await using project = await makeProject();
    chownSync(project.root, 65_534, 65_534);
    const { exitCode, stderr } = await project.ikigai("init");
    chownSync(project.root, 0, 0);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/belongs to the account with the number 65534, and you are 0/);
    expect(stderr).toMatch(/\n {2}next: .*chown/);
    expect(readdirSync(project.root)).not.toContain(".ikigai");
  });

  test.runIf(process.getuid?.() !== 0)("in a directory that is not writable", async () => {
    await using project = await makeProject();
    chmodSync(project.root, 0o555);
    const { exitCode, stderr } = await project.ikigai("init");
    chmodSync(project.root, 0o755);
    expect(exitCode).toBe(1);
    expect(stderr).toBe(
      `ikigai: Cannot write to ${project.root}: it is yours, and its mode is 555.\n  next: chmod u+rwx '${project.root}'`,
    );
  });

  test("where .ikigai is something else", async () => {
    await using project = await makeProject();
    writeFileSync(join(project.root, ".ikigai"), "mine");
    const { exitCode, stderr } = await project.ikigai("init");
    expect([exitCode, stderr]).toEqual([
      1,
      expect.stringMatching(/is not a directory.*\n {2}next: /),
    ]);
    expect(readFileSync(join(project.root, ".ikigai"), "utf8")).toBe("mine");
  });
});

test("all errors in a configuration are reported together, with file and key", async () => {
  const config = {
    http: { port: 70_000, prot: 1 },
    services: { web: { start: "sometimes" } },
    nonsense: true,
  };
  await using project = await makeProject({ config: config as never });
  const { exitCode, stdout, stderr } = await project.ikigai("start");
  expect([exitCode, stdout]).toEqual([1, ""]);
  for (const key of ["http.port", "http.prot", "services.web.start", "nonsense"]) {
    expect(stderr).toMatch(
      new RegExp(`^ {2}\\.ikigairc\\.json: ${key.replaceAll(".", "\\.")} `, "m"),
    );
  }
  expect(stderr).toMatch(/^ikigai: The configuration is not valid:\n/);
  expect(stderr).toMatch(/\n {2}next: edit \.ikigairc\.json, then try again$/);
  expect(await processesOf([project.root])).toEqual([]);
});

test("a configuration that is a program is approved at the first init, and a later one is not", async () => {
  const program = (port: number) =>
    `import { defineConfig } from "ikigai";\nexport default defineConfig({ http: { port: ${port} }, services: { web: { command: ["node", "x.js"] } } });\n`;
  await using project = await makeProject({
    layout: "clone",
    files: { "ikigai.config.ts": program(23_456), "web/backend/x.js": "" },
  });
  await project.git(".", "rm", "--quiet", ".ikigairc.json");
  const first = await project.ikigai("init");
  expect([first.exitCode, first.stderr]).toEqual([0, expect.stringContaining("localhost:23456")]);
  const nothing = await project.ikigai("trust");
  expect(nothing.stderr).toContain("everything in main is approved");

  writeFileSync(join(project.root, "ikigai.config.ts"), program(23_457));
  const held = await project.ikigai("init");
  expect(held.exitCode).toBe(1);
  expect(held.stderr).toContain("ikigai.config.ts is a program and has not been approved");
  expect(held.stderr).toContain("ikigai trust");
  const shown = await project.ikigai("trust");
  expect([shown.exitCode, shown.stdout]).toEqual([1, expect.stringMatching(/\+.*23457/)]);
  expect((await project.ikigai("trust", "--yes")).exitCode).toBe(0);
  expect((await project.ikigai("init")).stderr).toContain("localhost:23457");
});

test("an older .ikigai is updated, and foreign files in it stay", async () => {
  await using project = await makeProject();
  await project.ikigai("init");
  const bin = join(project.root, ".ikigai/bin");
  writeFileSync(join(bin, "nginx"), "#!/bin/sh\necho old\n");
  mkdirSync(join(bin, "mine"));
  expect((await project.ikigai("init")).exitCode).toBe(0);
  expect(readFileSync(join(bin, "nginx"), "utf8")).not.toContain("echo old");
  expect(readdirSync(bin)).toContain("mine");
});
