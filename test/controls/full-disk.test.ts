import { readdirSync } from "node:fs";
import { afterEach, expect, test, vi } from "vitest";
import { checkDisk } from "../../src/cli/setup/doctor-checks.ts";
import { refuseFullDisk, refuseReadOnly } from "../../src/host/fs/free-space.ts";
import type { UserError } from "../../src/model/user-error.ts";
import { makeProject } from "../support/project.ts";
import { canMount, SmallDisk } from "../support/small-disk.ts";
import { makeControls } from "./support.ts";

afterEach(() => vi.unstubAllEnvs());

function refusal(work: () => void): UserError {
  try {
    work();
  } catch (error) {
    return error as UserError;
  }
  throw new Error("nothing was refused");
}

test.runIf(canMount)("a disk that is too small, or cannot be written, is said to be", async () => {
  using disk = new SmallDisk(32);
  vi.stubEnv("TMPDIR", disk.directory);
  await using controls = await makeControls();
  const { layout } = controls;

  const started = await controls.run("pg_ctl", ["start"]);
  expect(started.exitCode).toBe(1);
  expect(started.stderr).toMatch(
    /postgres: no space left for the database in \S+\/\.ikigai: it needs about 64 MB, and (2\d|3\d) MB are free\n {2}next: make room there, then: pg_ctl start$/,
  );
  expect(started.stderr).not.toContain("  | ");
  expect(readdirSync(layout.ikigai).filter((name) => name.startsWith("db."))).toEqual([]);

  const full = refusal(() => refuseFullDisk(layout));
  expect(full.message).toMatch(
    /^No space left for the database in \S+: it needs about 64MB, and (2\d|3\d)MB are free\.$/,
  );
  expect(full.next).toBe("make room there, then: ikigai start");
  const [finding] = checkDisk(layout);
  expect(finding).toMatchObject({ what: "disk", state: "problem" });
  expect(finding?.next).toMatch(/^free some space there/);
  disk.remount("size=1g");
  expect(checkDisk(layout)).toMatchObject([{ state: "ok" }]);
  refuseFullDisk(layout);

  refuseReadOnly(layout);
  disk.remount("ro");
  const closed = refusal(() => refuseReadOnly(layout));
  expect(closed.message).toBe(
    `Cannot write to ${layout.ikigai}: its file system is mounted read-only.`,
  );
  disk.remount("rw");
});

test.runIf(canMount)("init on a full disk says what to do", async () => {
  using disk = new SmallDisk(32);
  vi.stubEnv("TMPDIR", disk.directory);
  await using project = await makeProject();
  disk.fill();
  const { exitCode, stderr } = await project.ikigai("init");
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(
    /^ikigai: No space left on the file system of \/\S+: 0MB are free\.\n {2}next: make room there, then type the same again$/,
  );
});
