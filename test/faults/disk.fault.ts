import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { waitFor } from "../support/wait.ts";
import { makePatient, type Patient } from "./support/patient.ts";
import { kill } from "./support/processes.ts";
import { tell } from "./support/table.ts";

const MEGABYTES = 192;

/** A separate file system, small enough to be filled; only root can mount one. */
class SmallDisk implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), "iki-full-"));
  readonly isMounted: boolean;
  readonly #before = process.env.TMPDIR;

  constructor() {
    const size = `size=${MEGABYTES}m,mode=1777`;
    const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", size, "tmpfs", this.directory]);
    this.isMounted = status === 0;
    if (this.isMounted) process.env.TMPDIR = this.directory;
  }

  /** To the last byte: a free block has room for a small file. */
  fill(): void {
    const name = join(this.directory, `ballast-${process.hrtime.bigint()}`);
    spawnSync("dd", ["if=/dev/zero", `of=${name}`, "bs=4k"]);
  }

  makeRoom(): void {
    spawnSync("sh", ["-c", 'rm -f -- "$0"/ballast-*', this.directory]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = this.#before;
    spawnSync("umount", [this.directory]);
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Kilobytes left when the disk is "full": each value makes another step fail. */
const ROOMS = [0, 4, 16, 64, 256];

/** Sized so that writing stops with that much space left. */
function fillUpTo(disk: SmallDisk, kilobytes: number): void {
  const spare = join(disk.directory, "ballast-spare");
  spawnSync("dd", ["if=/dev/zero", `of=${spare}`, "bs=1k", `count=${kilobytes}`]);
  disk.fill();
  rmSync(spare, { force: true });
}

async function withPatient(
  fault: string,
  hurt: (patient: Patient, disk: SmallDisk) => Promise<number>,
): Promise<void> {
  await using disk = new SmallDisk();
  if (!disk.isMounted) return tell({ fault, note: "skipped: only root may mount a small disk" });
  await using patient = await makePatient();
  try {
    tell({ fault, recovery: await hurt(patient, disk) });
    expect(await emptyFiles(patient)).toEqual([]);
  } finally {
    disk.makeRoom();
  }
}

/** Lists state files that were truncated to nothing and are trusted. */
async function emptyFiles({ project }: Patient): Promise<string[]> {
  const places = ["run/env", "run/services", "scripts", "bin", "httpd/nginx.conf"];
  const files = ["-type", "f", "-size", "0", "!", "-name", "lock", "!", "-name", "asked"];
  const found = await project.run("find", [...places, ...files], { cwd: ".ikigai" });
  expect(found.exitCode, found.stderr).toBe(0);
  return found.stdout.split("\n").filter(Boolean);
}

test("a disk that is full during a provisioning", async () => {
  await withPatient("a full disk: provisioning", async (patient, disk) => {
    const { project } = patient;
    let longest = 0;
    for (const room of ROOMS) {
      const name = `full-${room}`;
      fillUpTo(disk, room);
      const path = project.worktree(name);
      const added = await project.run("git", ["worktree", "add", "-q", "-b", name, path, "main"]);
      disk.makeRoom();
      if (added.exitCode === 0) patient.worktrees.add(name);
      else {
        // git itself ran out of space: its remains are its own.
        rmSync(path, { recursive: true, force: true });
        await project.git(".", "worktree", "prune");
      }
      longest = Math.max(longest, await patient.recovers(90_000));
    }
    return longest;
  });
}, 400_000);

test("a disk that is full during a start", async () => {
  await withPatient("a full disk: start", async (patient, disk) => {
    const { project } = patient;
    let longest = 0;
    for (const room of ROOMS) {
      expect((await project.ikigai("stop")).exitCode).toBe(0);
      fillUpTo(disk, room);
      const refused = await project.ikigai("start");
      expect(refused.stderr).not.toMatch(/^ {4}at /m);
      disk.makeRoom();
      const begin = performance.now();
      const started = await project.ikigai("start");
      expect(started.exitCode, `${room} kB: ${started.stderr}`).toBe(0);
      await patient.recovers(90_000);
      longest = Math.max(longest, performance.now() - begin);
    }
    return longest;
  });
}, 400_000);

test("a disk that is full while state is written and its writer is killed", async () => {
  await withPatient("a full disk: files of state, daemon killed", async (patient, disk) => {
    const { project } = patient;
    let longest = 0;
    for (const room of ROOMS) {
      fillUpTo(disk, room);
      const [daemon] = patient.cast().daemon;
      await project.run("touch", ["main/backend/server.js"]);
      await project.run("rm", ["-rf", ".ikigai/run/env/rel-05.sh", ".ikigai/run/ports.map"]);
      if (daemon) kill(daemon);
      // The next daemon finds a full disk.
      await waitFor(() => patient.cast().daemon.some(({ pid }) => pid !== daemon?.pid), {
        deadline: 20_000,
      }).catch(() => {});
      disk.makeRoom();
      longest = Math.max(longest, await patient.recovers(90_000));
    }
    return longest;
  });
}, 400_000);

test("a disk that is full under Postgres", async () => {
  await using disk = new SmallDisk();
  const fault = "a full disk: Postgres' own";
  if (!disk.isMounted) return tell({ fault, note: "skipped: only root may mount a small disk" });
  await using patient = await makePatient();
  const { project } = patient;
  expect((await project.ikigai("stop")).exitCode).toBe(0);
  const db = (await project.run("realpath", [".ikigai/db"])).stdout;
  const moved = `${disk.directory}/data`;
  // The same files on the small disk, and the small disk at the same place.
  const script = 'cp -a "$0" "$1" && mount --bind "$1" "$0"';
  expect(spawnSync("sh", ["-c", script, db, moved]).status).toBe(0);
  try {
    expect((await project.ikigai("start")).exitCode).toBe(0);
    await patient.recovers();
    disk.fill();
    const wrote = patient.sql(
      "CREATE TABLE wt_main.more AS SELECT repeat('x', 1000) FROM generate_series(1, 100000)",
    );
    await expect(wrote).rejects.toThrow();
    disk.makeRoom();
    tell({ fault, recovery: await patient.recovers(90_000) });
  } finally {
    disk.makeRoom();
    await project.ikigai("stop");
    spawnSync("umount", [db]);
  }
}, 400_000);
