import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { processesOf } from "../../scripts/processes.js";
import { prepareOwner } from "../../src/host/postgres/owner.ts";
import { accounts, identityOf } from "../support/as-user.ts";
import { waitFor } from "../support/wait.ts";
import { type Controls, makeControls } from "./support.ts";

/** An environment in which initdb has to run, as no cluster can be copied. */
function withoutTemplate({ env, layout }: Controls): NodeJS.ProcessEnv {
  return { ...env, XDG_CACHE_HOME: join(layout.root, "cache") };
}

describe.each(accounts())("the first start of Postgres as $name", (account) => {
  test("killed anywhere in the middle leaves no half cluster", async () => {
    await using controls = await makeControls({ account });
    const { db, ikigai } = controls.layout;
    for (const moment of ["initdb", "--single", "postgres -D"]) {
      const start = execa(join(controls.layout.bin, "pg_ctl"), ["start"], {
        ...identityOf(account),
        env: withoutTemplate(controls),
        extendEnv: false,
        reject: false,
        stdio: "ignore",
      });
      await waitFor(
        async () => {
          const found = await processesOf([ikigai]);
          return start.exitCode !== null || found.some(({ title }) => title.includes(moment));
        },
        { every: 2 },
      );
      for (const { pid } of await processesOf([ikigai])) kill(pid);
      await start;
      const names = readdirSync(dirname(db)).includes("db") ? readdirSync(db) : ["PG_VERSION"];
      expect(names).toContain("PG_VERSION");
    }
    expect(await controls.run("pg_ctl", ["start"])).toMatchObject({ exitCode: 0 });
    expect((await controls.run("psql", ["-Atc", "select 1"])).stdout).toBe("1");
    expect(readdirSync(dirname(db)).filter((name) => name.includes(".new."))).toEqual([]);
  });

  test("interrupted by a signal it tidies up", async () => {
    await using controls = await makeControls({ account });
    const start = execa(join(controls.layout.ikigai, "scripts/postgres"), [], {
      ...identityOf(account),
      env: withoutTemplate(controls),
      extendEnv: false,
      reject: false,
      stdio: "ignore",
      detached: true,
    });
    await waitFor(async () =>
      (await processesOf([controls.layout.ikigai])).some(({ title }) =>
        title.includes("/initdb -D"),
      ),
    );
    process.kill(-(start.pid ?? 0), "SIGINT");
    await start;
    expect(await controls.everything()).toEqual([]);
    expect(readdirSync(controls.layout.ikigai).filter((name) => name.startsWith("db"))).toEqual([]);
  });

  test("asks for passwords, keeps them out of arguments, and listens on loopback only", async () => {
    await using controls = await makeControls({ account });
    await controls.run("pg_ctl", ["start"]);
    const rules = readFileSync(join(controls.layout.db, "pg_hba.conf"), "utf8");
    expect(rules).not.toMatch(/^[^#]*\btrust\b/m);
    const show = [
      "listen_addresses",
      "unix_socket_directories",
      "fsync",
      "max_connections",
      "server_encoding",
      // Nothing in /dev/shm, where another process may delete it.
      "dynamic_shared_memory_type",
    ];
    const shown = await controls.run("psql", [
      "-At",
      ...show.flatMap((name) => ["-c", `show ${name}`]),
    ]);
    expect(shown.stdout.split("\n")).toEqual(["localhost", ".", "on", "200", "UTF8", "mmap"]);
  });
});

test("Postgres works below a closed directory, for root too", async () => {
  await using controls = await makeControls({ closed: true });
  expect(await controls.run("pg_ctl", ["start"])).toMatchObject({ exitCode: 0 });
  expect((await controls.run("psql", ["-Atc", "select 1"])).stdout).toBe("1");
  expect(readFileSync(join(controls.layout.db, "PG_VERSION"), "utf8")).toMatch(/^\d+\n$/);
  expect(await controls.run("pg_ctl", ["restart"])).toMatchObject({ exitCode: 0, stderr: "" });
});

test("data that is no cluster is not touched", async () => {
  await using controls = await makeControls();
  mkdirSync(controls.layout.db);
  writeFileSync(join(controls.layout.db, "precious"), "");
  const outcome = await controls.run("pg_ctl", ["start"]);
  expect(outcome.exitCode).toBe(1);
  expect(outcome.stderr).toContain("is not empty and holds no cluster");
  expect(readdirSync(controls.layout.db)).toEqual(["precious"]);
});

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It exited by itself.
  }
}

test("no program is given the owner's password", async () => {
  await using controls = await makeControls();
  const { root } = controls.layout;
  const given = join(root, "given");
  const path = join(root, "path");
  mkdirSync(path);
  for (const name of ["grep", "sed", "awk", "cat", "mv", "cp", "tr", "head", "env"]) {
    const { stdout: real } = await execa("sh", ["-c", `command -v ${name}`]);
    const script = `#!/bin/sh\nprintf '%s\\n' "$0 $*" >>'${given}'\nexec '${real}' "$@"\n`;
    writeFileSync(join(path, name), script, { mode: 0o755 });
  }
  const env = { PATH: `${path}:${process.env.PATH}` };
  for (const [round, verb] of ["start", "stop", "start"].entries()) {
    await prepareOwner(controls.login, `plainly-seen-${round}`);
    expect(await controls.run("pg_ctl", [verb], { env })).toMatchObject({ exitCode: 0 });
  }
  expect((await controls.run("psql", ["-Atc", "select 1"])).stdout).toBe("1");
  const lines = readFileSync(given, "utf8");
  expect(lines).toContain("/sed ");
  expect(lines).not.toContain("plainly-seen");
});

describe("the owner's login", () => {
  const asOwner = ["-Atc", "select current_user"];

  test("of a cluster that an earlier version made is taken over, running or not", async () => {
    await using controls = await makeControls();
    const { db } = controls.layout;
    await controls.run("pg_ctl", ["start"]);
    const rules = join(db, "pg_hba.conf");
    writeFileSync(rules, "host all all 127.0.0.1/32 scram-sha-256\n");
    rmSync(join(db, "ikigai_owner"));
    await prepareOwner(controls.login, "another one: \\");
    const again = await controls.run("pg_ctl", ["start"]);
    expect(again.stdout).toMatch(/was started with other settings, so it is started again/);
    expect((await controls.run("psql", asOwner)).stdout).toBe("ikigai");
    expect(readFileSync(rules, "utf8")).toMatch(/^host {3}all +all +all +reject$/m);
    expect(readFileSync(`${rules}.before-ikigai`, "utf8")).toContain("host all all 127.0.0.1/32");
    const once = await controls.run("pg_ctl", ["start"]);
    expect(once.stdout).toMatch(/already running/);
  });

  test("is not over TCP, unless the settings say so", async () => {
    for (const ownerOverTcp of [false, true]) {
      await using controls = await makeControls({ ownerOverTcp });
      await controls.run("pg_ctl", ["start"]);
      const { exitCode, stdout, stderr } = await controls.run("psql", [
        ...["-h", "127.0.0.1", ...asOwner],
      ]);
      expect({ exitCode, stdout }).toEqual(
        ownerOverTcp ? { exitCode: 0, stdout: "ikigai" } : { exitCode: 2, stdout: "" },
      );
      if (!ownerOverTcp) expect(stderr).toContain("pg_hba.conf rejects connection");
    }
  });

  test("works where the path of the project has no room for a socket", async () => {
    await using controls = await makeControls({ name: "long".repeat(30) });
    await controls.run("pg_ctl", ["start"]);
    expect((await controls.run("psql", asOwner)).stdout).toBe("ikigai");
  });
});

test("a second project's cluster is copied from the first one's, with another owner's password", async () => {
  const cache = await realpath(await mkdtemp(join(tmpdir(), "iki-cache-")));
  try {
    const env = { XDG_CACHE_HOME: cache };
    const identifiers = new Set<string>();
    const logins = new Set<string>();
    for (const _ of [1, 2]) {
      await using controls = await makeControls();
      expect(await controls.run("pg_ctl", ["start"], { env })).toMatchObject({ exitCode: 0 });
      const sql = "select system_identifier from pg_control_system()";
      identifiers.add((await controls.run("psql", ["-Atc", sql])).stdout);
      logins.add(readFileSync(join(controls.layout.db, "ikigai_owner"), "utf8"));
    }
    expect(identifiers.size).toBe(1);
    expect(logins.size).toBe(2);
    const [template = ""] = readdirSync(join(cache, "ikigai/clusters"));
    expect(existsSync(join(cache, "ikigai/clusters", template, "ikigai_owner"))).toBe(false);
  } finally {
    await rm(cache, { recursive: true });
  }
});
