import { randomBytes } from "node:crypto";
import fs from "node:fs";
import { basename } from "node:path";
import type { Layout } from "../../model/layout.ts";
import { isAbsent, listIfThere, statIfThere } from "../fs/files.ts";
import { restOfLog } from "./log-pipe.ts";
import { control, isSupervised, readStatus } from "./supervise.ts";

/**
 * Service directories in `sv/`. Only services in use have one, because runsvdir supervises at most 1,000.
 * runsvdir knows services by inode, so a spare directory already supervised by its runsv can be renamed to a
 * service's name and is up in milliseconds, where a new directory would wait up to five seconds for
 * runsvdir's next scan.
 */
export class ServiceDirectories {
  readonly #sv: string;
  readonly #spares: number;
  readonly #beforeStart: () => void;
  #listed: { readonly changed: bigint; readonly names: readonly string[] } = {
    changed: -1n,
    names: [],
  };

  /** @param beforeStart called before anything is started, because the scripts may have been exchanged */
  constructor(layout: Layout, spares = 20, beforeStart: () => void = () => {}) {
    this.#sv = layout.sv;
    this.#spares = spares;
    this.#beforeStart = beforeStart;
  }

  path(service: string): string {
    return `${this.#sv}/${service}`;
  }

  has(service: string): boolean {
    return fs.existsSync(`${this.#sv}/${service}/run`);
  }

  /** Lists the services that have a directory now. */
  names(): string[] {
    return this.#list().filter(
      (name) => name.includes(".") && !name.startsWith(".") && !name.startsWith(SPARE),
    );
  }

  /** Lists all entries; cached, because it is called every few seconds and hardly ever changes. */
  #list(): readonly string[] {
    const changed = statIfThere(this.#sv)?.mtimeNs ?? 0n;
    if (changed === this.#listed.changed) return this.#listed.names;
    const names = listIfThere(this.#sv).map(String);
    // A later change within the same clock tick would have the same mtime.
    const isOver = BigInt(Date.now()) * 1_000_000n - changed > MOMENT_NS;
    this.#listed = { changed: isOver ? changed : -1n, names };
    return names;
  }

  /** Gives a service a directory; the caller starts it. Idempotent. */
  place(service: string): void {
    if (this.has(service)) return;
    const spare = this.#ready();
    if (spare === undefined) {
      this.#make(service);
      return;
    }
    fs.renameSync(`${this.#sv}/${spare}`, this.path(service));
    fs.rmSync(`${this.path(service)}/log/down`, { force: true });
  }

  /** Starts the service and its log, also whenever its runsv is started again. */
  up(service: string): void {
    this.#beforeStart();
    const path = this.path(service);
    fs.writeFileSync(`${path}/${UNBEGUN}`, "");
    for (const name of ["down", "log/down", RESTED, GAVE_UP])
      fs.rmSync(`${path}/${name}`, { force: true });
    // The log may start later: until then the service's output waits in a pipe.
    control(path, "u");
    control(`${path}/log`, "u");
    fs.rmSync(`${path}/${UNBEGUN}`, { force: true });
  }

  /** Starts the log of each service whose start was interrupted by a crash of the daemon. */
  completeStarts(): void {
    for (const service of this.names().filter((name) => this.isUnstarted(name))) {
      const path = this.path(service);
      if (readStatus(path)?.state !== "run") continue;
      fs.rmSync(`${path}/log/down`, { force: true });
      control(`${path}/log`, "u");
      fs.rmSync(`${path}/${UNBEGUN}`, { force: true });
    }
  }

  /** Ends the running process; its runsv starts another one at once. Resolves when the old one has ended. */
  async restart(service: string): Promise<void> {
    this.#beforeStart();
    const path = this.path(service);
    const pid = readStatus(path)?.pid;
    const isGone = () => !isSupervised(path) || readStatus(path)?.pid !== pid;
    control(path, "t");
    await until(isGone, STOP_SECONDS);
    if (!isGone()) control(path, "k");
    await until(isGone, STOP_SECONDS);
  }

  /** Lets the service run to its end without restarting it. */
  letFinish(service: string): void {
    control(this.path(service), "o");
  }

  down(service: string): void {
    const path = this.path(service);
    fs.writeFileSync(`${path}/down`, "");
    control(path, "d");
  }

  /** Makes a failed service restart without waiting for the rest of its back-off. */
  retryNow(service: string): void {
    fs.writeFileSync(`${this.path(service)}/again`, "");
  }

  /** Stops a service that keeps its directory, as it would otherwise start by itself. */
  async stop(service: string): Promise<void> {
    if (this.has(service)) await this.#end(service);
  }

  /** Tells whether ikigai stopped it or gave up on it, as opposed to a user who typed `sv stop`. */
  isStopped(service: string): boolean {
    const isRested = fs.existsSync(`${this.path(service)}/${RESTED}`);
    return isRested || this.gaveUp(service) || this.isUnstarted(service);
  }

  /** Tells whether the service was given its directory, but an interruption prevented its start. */
  isUnstarted(service: string): boolean {
    return fs.existsSync(`${this.path(service)}/${UNBEGUN}`);
  }

  /** Tells whether it failed so often that it is not restarted automatically. */
  gaveUp(service: string): boolean {
    return fs.existsSync(`${this.path(service)}/${GAVE_UP}`);
  }

  /** Takes a service's directory away: it becomes a spare one, or its runsv exits. */
  async remove(service: string): Promise<void> {
    const path = this.path(service);
    if (!fs.existsSync(path)) return;
    await this.#end(service);
    if (await this.#recycle(path)) return;
    const aside = this.#dismiss(path);
    await until(() => !isSupervised(aside), STOP_SECONDS);
    fs.rmSync(aside, { recursive: true, force: true });
  }

  /** Stops a service and disposes of its directory; its runsv, which may sleep for a second, exits later. */
  async release(service: string): Promise<void> {
    if (!this.has(service)) return;
    await this.#end(service);
    this.#dismiss(this.path(service));
  }

  /** Hides the directory from runsvdir before its runsv exits, so that runsvdir starts no other one. */
  #dismiss(path: string): string {
    const aside = `${this.#sv}/.gone-${randomBytes(6).toString("hex")}`;
    fs.renameSync(path, aside);
    control(aside, "dx");
    return aside;
  }

  async #end(service: string): Promise<void> {
    const path = this.path(service);
    // Written first, so that an interruption here is never taken for a user's `sv stop`.
    fs.writeFileSync(`${path}/${RESTED}`, "");
    this.down(service);
    const isDown = () => !isSupervised(path) || readStatus(path)?.state === "down";
    await until(isDown, STOP_SECONDS);
    if (!isDown()) control(path, "k");
    await until(isDown, STOP_SECONDS);
  }

  /** Turns the directory of a stopped service into a spare one. */
  async #recycle(path: string): Promise<boolean> {
    const spares = listIfThere(this.#sv).filter((name) => name.toString().startsWith(SPARE));
    const log = readStatus(`${path}/log`);
    if (spares.length >= MOST_SPARES || readStatus(path)?.state !== "down" || !log) return false;
    const rest = restOfLog(log.pid);
    if (rest === undefined) return false;
    fs.writeFileSync(`${path}/log/down`, "");
    control(`${path}/log`, "d");
    await until(() => readStatus(`${path}/log`)?.state === "down", LOG_SECONDS);
    if (readStatus(`${path}/log`)?.state !== "down") {
      rest.close();
      return false;
    }
    rest.writeTo(`${this.#sv}/../logs/${basename(path)}/current`);
    const spare = `${this.#sv}/${SPARE}${randomBytes(4).toString("hex")}`;
    fs.writeFileSync(`${path}/${UNBEGUN}`, "");
    fs.renameSync(path, spare);
    for (const name of [RESTED, GAVE_UP, "again"]) fs.rmSync(`${spare}/${name}`, { force: true });
    return true;
  }

  /** Keeps spare directories ready, and removes what a crash left. */
  replenish(): void {
    const names = this.#list();
    const spares = names.filter((name) => name.startsWith(SPARE));
    for (let i = spares.length; i < this.#spares; i++) {
      this.#make(`${SPARE}${randomBytes(4).toString("hex")}`, true);
    }
    for (const name of names.filter((n) => /^\.(?:gone|new)-/.test(n))) {
      if (!isSupervised(`${this.#sv}/${name}`)) {
        fs.rmSync(`${this.#sv}/${name}`, { recursive: true, force: true });
      }
    }
  }

  #ready(): string | undefined {
    return listIfThere(this.#sv)
      .map(String)
      .find(
        (name) =>
          name.startsWith(SPARE) &&
          isSupervised(`${this.#sv}/${name}`) &&
          isSupervised(`${this.#sv}/${name}/log`) &&
          readStatus(`${this.#sv}/${name}`)?.state === "down",
      );
  }

  /** Builds the directory under a hidden name and renames it, so that runsvdir never sees it incomplete. */
  #make(name: string, spare = false): void {
    const building = `${this.#sv}/.new-${randomBytes(6).toString("hex")}`;
    try {
      fs.mkdirSync(`${building}/log`, { recursive: true, mode: 0o700 });
      for (const [name, script] of PLACE_LINKS) fs.symlinkSync(script, `${building}/${name}`);
      for (const name of ["down", UNBEGUN]) fs.writeFileSync(`${building}/${name}`, "");
      if (spare) fs.writeFileSync(`${building}/log/down`, "");
      fs.renameSync(building, `${this.#sv}/${name}`);
    } catch (error) {
      fs.rmSync(building, { recursive: true, force: true });
      if (!isAbsent(error)) throw error;
    }
  }
}

const SPARE = "spare-";
/** The kernel's clock for file times advances in steps of up to ten milliseconds. */
const MOMENT_NS = 100_000_000n;
/** At most this many are kept where services are started and stopped often. */
const MOST_SPARES = 24;
/** Marks a service that ikigai stopped, as opposed to a user. */
const RESTED = "rested";
/** Marks a service that has not been started yet, as opposed to one that a user stopped. */
const UNBEGUN = "unbegun";
/** Created by scripts/service/finish. */
const GAVE_UP = "gave-up";
/** Every service directory links to the same scripts, so that those of a newer ikigai take effect at once. */
export const PLACE_LINKS = [
  ["run", "../../scripts/service/run"],
  ["finish", "../../scripts/service/finish"],
  ["control", "../../scripts/service/control"],
  ["log/run", "../../../scripts/service/log-run"],
] as const;
/** A backend that does not end on SIGTERM is killed after this long. */
const STOP_SECONDS = 10;
const LOG_SECONDS = 2;

/** Polls every few milliseconds until a condition holds or the time is over. */
async function until(condition: () => boolean, seconds: number): Promise<void> {
  const deadline = performance.now() + seconds * 1000;
  while (!condition() && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
