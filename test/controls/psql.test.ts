import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  CONNECTION_VARIABLES,
  passwordFile,
  worktreeVariables,
} from "../../src/model/environment-variables.ts";
import { environmentFile } from "../../src/model/envrc.ts";
import { type Controls, makeControls } from "./support.ts";

const who = ["-Atc", "select current_user"];

describe("psql", () => {
  let controls: Controls;
  let worktree: string;
  beforeAll(async () => {
    controls = await makeControls({ name: "the $project" });
    await controls.run("pg_ctl", ["start"]);
    worktree = join(controls.layout.root, "rel's 05");
    await provision(controls, worktree, "rel-05");
    // Another worktree's name begins with this one's.
    await provision(controls, `${worktree} b`, "rel-05-b");
  });
  afterAll(() => controls.dispose());

  test("is the owner in ikigai at the project's root, before anything is provisioned", async () => {
    const outcome = await controls.run("psql", ["-Atc", "select current_user, current_database()"]);
    expect(outcome).toEqual({ exitCode: 0, stdout: "ikigai|ikigai", stderr: "" });
  });

  test("is the worktree's role inside a worktree, in subdirectories too", async () => {
    for (const cwd of [worktree, join(worktree, "a/b")]) {
      expect((await controls.run("psql", who, { cwd })).stdout).toBe("wt_rel_05");
    }
  });

  test("-U ikigai is the owner everywhere, whatever password the environment holds", async () => {
    const env = { IKIGAI_WORKTREE: "rel-05", PGPASSWORD: "the role's" };
    for (const extra of [{}, env]) {
      const outcome = await controls.run("psql", ["-U", "ikigai", ...who], {
        cwd: worktree,
        env: extra,
      });
      expect(outcome).toEqual({ exitCode: 0, stdout: "ikigai", stderr: "" });
    }
  });

  test("keeps a PGUSER of the environment and ignores another server's address", async () => {
    const env = { PGUSER: "wt_rel_05_b", PGHOST: "192.0.2.1", PGPORT: "1", PGSERVICE: "prod" };
    const PGPASSFILE = join(controls.layout.environments, "rel-05-b.pgpass");
    const all = { ...env, PGPASSFILE, IKIGAI_WORKTREE: "rel-05-b" };
    expect((await controls.run("psql", who, { env: all })).stdout).toBe("wt_rel_05_b");
  });

  test("is not misled by variables of another project, nor is any client of libpq", async () => {
    const foreign = {
      ...{ PGPASSWORD: "theirs", PGPASSFILE: "/dev/null", PGHOST: "192.0.2.1", PGPORT: "1" },
      ...{ PGSERVICE: "prod", PGSSLMODE: "require", PGHOSTADDR: "192.0.2.1", PGREQUIREPEER: "x" },
    };
    const options = { cwd: worktree, env: foreign };
    expect(await controls.run("psql", who, options)).toMatchObject({ stdout: "wt_rel_05" });
    const file = join(controls.layout.environments, "rel-05.sh");
    const script = `. '${file.replaceAll("'", "'\\''")}'; exec /usr/bin/env psql "$@"`;
    const client = await controls.run("/bin/sh", ["-c", script, "sh", ...who], options);
    expect(client).toEqual({ exitCode: 0, stdout: "wt_rel_05", stderr: "" });
  });

  test("reaches other databases of the cluster as the owner", async () => {
    expect((await controls.run("psql", ["-Atc", "select 1", "postgres"])).stdout).toBe("1");
  });

  test("works from a directory outside and through a link", async () => {
    const elsewhere = await realpath(await mkdtemp(join(tmpdir(), "iki-")));
    const link = join(elsewhere, "psql");
    symlinkSync(join(controls.layout.bin, "psql"), link);
    expect((await controls.run(link, who, { cwd: elsewhere })).stdout).toBe("ikigai");
    await rm(elsewhere, { recursive: true });
  });
});

test("psql says how to start Postgres when it is down", async () => {
  await using controls = await makeControls();
  const outcome = await controls.run("psql", who);
  expect(outcome.exitCode).toBe(2);
  expect(outcome.stderr).toMatch(
    /\.s\.PGSQL\.\d+" failed[\s\S]*\n {2}next: pg_ctl start \(or ikigai start\)$/,
  );
});

/** Creates what the daemon creates for a worktree: role, environment, passwords and a note of its path. */
async function provision(controls: Controls, top: string, slug: string): Promise<void> {
  const { layout, postgresPort: port } = controls;
  const role = `wt_${slug.replaceAll("-", "_")}`;
  const password = "it's: secret\\";
  const sql = `do $$ begin create role ikigai_worktrees; exception when duplicate_object then end $$;
    create role ${role} login password '${password.replaceAll("'", "''")}' in role ikigai_worktrees`;
  expect(await controls.run("psql", ["-qc", sql])).toMatchObject({ exitCode: 0 });
  mkdirSync(join(top, "a/b"), { recursive: true });
  writeFileSync(join(top, ".git"), "gitdir: elsewhere\n");
  const base = join(layout.environments, slug);
  const connection = { httpPort: controls.httpPort, postgresPort: port };
  const variables = worktreeVariables(slug, layout, connection, password);
  writeFileSync(`${base}.sh`, environmentFile(variables, undefined, CONNECTION_VARIABLES));
  writeFileSync(`${base}.pgpass`, passwordFile([{ role, password }], port), { mode: 0o600 });
  writeFileSync(`${base}.note`, `main\0${Buffer.from(top).toString("hex")}`);
}
