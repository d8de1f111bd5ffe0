import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Only root can mount a small disk, which is Linux' tmpfs. */
export const canMount = process.platform === "linux" && process.getuid?.() === 0;

/** A separate file system of so many megabytes; unmounted when disposed of. */
export class SmallDisk implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), "iki-disk-"));

  constructor(megabytes: number) {
    this.#mount(["-t", "tmpfs", "-o", `size=${megabytes}m,mode=1777`, "tmpfs"]);
  }

  remount(options: string): void {
    this.#mount(["-o", `remount,${options}`]);
  }

  /** To the last byte. */
  fill(): void {
    spawnSync("dd", ["if=/dev/zero", `of=${join(this.directory, "ballast")}`, "bs=4k"]);
  }

  #mount(args: readonly string[]): void {
    execFileSync("mount", [...args, this.directory]);
  }

  [Symbol.dispose](): void {
    execFileSync("umount", [this.directory]);
    rmSync(this.directory, { recursive: true, force: true });
  }
}
