import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { commandFor, managers } from "../../scripts/managers.js";
import { findPrograms, MissingPrograms, programVersions } from "../../src/host/programs/find.ts";
import {
  installCommand,
  PACKAGE_MANAGERS,
  packageManager,
} from "../../src/host/programs/package-manager.ts";
import { installControls } from "../../src/host/project/controls.ts";
import { makeDirectories } from "../../src/host/project/directories.ts";
import { layoutOf } from "../../src/model/layout.ts";

const source = fileURLToPath(new URL("../../controls", import.meta.url));

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "iki-"));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

function program(name: string): string {
  const path = join(base, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, "#!/bin/sh\necho 1.2.3\n", { mode: 0o755 });
  return path;
}

describe("programs", () => {
  test("are found without anything on PATH, and report their versions", async () => {
    const programs = findPrograms({}, "");
    expect(programs.nginx).toMatch(/^\/.*\/nginx$/);
    expect(programs.postgresBin).toMatch(/^\/.*bin$/);
    const versions = await programVersions(programs);
    for (const version of Object.values(versions)) expect(version).toMatch(/^\d+\.\d+/);
  });

  test("are those on PATH first, but never our own controls", () => {
    const own = program(".ikigai/bin/nginx");
    const first = program("first/nginx");
    program("second/nginx");
    const path = [join(own, ".."), join(base, "first"), join(base, "second")].join(":");
    expect(findPrograms({}, path).nginx).toBe(first);
  });

  test("are those that the configuration gives", () => {
    const nginx = program("own/nginx");
    for (const name of ["postgres", "initdb", "pg_ctl", "psql"]) program(`pg/${name}`);
    const found = findPrograms({ nginx, postgres: join(base, "pg") });
    expect([found.nginx, found.postgresBin]).toEqual([nginx, join(base, "pg")]);
  });

  test("that are missing are reported together, with the one command to run", () => {
    const given = { nginx: "/nowhere/nginx", postgres: "/nowhere", runsvdir: "/nowhere/runsvdir" };
    program("apt-get");
    const failure = catching(() => findPrograms(given, base));
    expect(failure.missing).toEqual(["runsvdir", "nginx", "postgres"]);
    expect(failure.message).toContain("nginx: the configuration says /nowhere/nginx");
    expect(failure.install).toMatch(/apt-get install -y .*runit nginx postgresql$/);
    // An installed one would not be used.
    expect(failure.message).toContain("next: correct the paths in .ikigairc.json");
  });

  test("that a configured directory lacks are named", () => {
    for (const name of ["postgres", "initdb", "pg_ctl"]) program(`pg/${name}`);
    const reasons = (postgres: string) => catching(() => findPrograms({ postgres })).reasons;
    expect(reasons(join(base, "pg"))).toEqual([
      `postgres: the configuration says ${base}/pg, and that has no psql (postgres.bin; it has to hold postgres, initdb, pg_ctl, psql)`,
    ]);
    expect(reasons(join(base, "pg/postgres"))[0]).toMatch(/that is no directory$/);
  });
});

function catching(act: () => unknown): MissingPrograms {
  try {
    act();
  } catch (error) {
    if (error instanceof MissingPrograms) return error;
  }
  throw new Error("nothing was missing");
}

describe("the package manager", () => {
  test.each(managers)(
    "$name: users get the same command as from this clone's set-up script",
    (manager) => {
      const ours = PACKAGE_MANAGERS.find(({ name }) => name === manager.name);
      if (!ours) throw new Error(`${manager.name} is unknown`);
      for (const [programs, names] of [
        [
          ["nginx", "postgres", "curl"],
          ["nginx", "postgresql", "curl"],
        ],
        [
          ["runsvdir", "git"],
          ["runit", "git"],
        ],
        [["runsvdir"], ["runit"]],
      ] as const) {
        const command = installCommand(ours, programs, false);
        expect(command).toBe(commandFor(manager, names));
        expect(installCommand(ours, programs, true)).toBe(command.replaceAll("sudo ", ""));
      }
    },
  );

  test("is the one whose program is there", () => {
    program("apt-get");
    expect(packageManager(base)?.name).toBe("apt");
  });
});

describe("controls", () => {
  test("are installed once, all executable, and only those that differ are rewritten", () => {
    const layout = layoutOf(base);
    makeDirectories(layout, { user: "", data: "" });
    const before = process.umask(0o077);
    const written = installControls(source, layout);
    process.umask(before);
    expect(written).toContain("bin/nginx");
    expect(written).toContain("sv/daemon/log/run");
    expect(statSync(join(layout.bin, "nginx")).mode & 0o777).toBe(0o755);
    expect(installControls(source, layout)).toEqual([]);
    writeFileSync(join(layout.sv, "nginx/run"), "changed");
    rmSync(join(layout.bin, "psql"));
    rmSync(join(layout.sv, "nginx/down"));
    expect(installControls(source, layout).sort()).toEqual(["bin/psql", "sv/nginx/run"]);
    // A service that should run stays so.
    expect(() => statSync(join(layout.sv, "nginx/down"))).toThrow();
    expect(statSync(join(layout.sv, "postgres/down")).size).toBe(0);
    expect(() => statSync(join(layout.sv, "daemon/down"))).toThrow();
  });
});
