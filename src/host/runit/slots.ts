import { randomBytes } from "node:crypto";
import fs from "node:fs";
import type { Layout } from "../../model/layout.ts";
import { isAbsent, listIfThere } from "../files.ts";
import { control, isSupervised, readStatus } from "./supervise.ts";

/**
 * Places in `sv/`. Only services in use take one: runsvdir holds 1,000 at most.
 * It knows services by inode, so a spare place that its runsv already looks
 * after is renamed to a service's name and is up in milliseconds, where a new
 * directory would wait up to five seconds for runsvdir's next look.
 */
export class Slots {
  readonly #sv: string;
  readonly #spares: number;

  constructor(layout: Layout, spares = 4) {
    this.#sv = layout.sv;
    this.#spares = spares;
  }

  path(service: string): string {
    return `${this.#sv}/${service}`;
  }

  has(service: string): boolean {
    return fs.existsSync(`${this.#sv}/${service}/run`);
  }

  /** Services that have a place now. */
  names(): string[] {
    return listIfThere(this.#sv)
      .map(String)
      .filter((name) => name.includes(".") && !name.startsWith(".") && !name.startsWith(SPARE));
  }

  /** Gives a service a place; the caller starts it. Idempotent. */
  place(service: string): void {
    if (this.has(service)) return;
    const spare = this.#ready();
    if (spare === undefined) return this.#make(service);
    fs.renameSync(`${this.#sv}/${spare}`, this.path(service));
    fs.rmSync(`${this.path(service)}/log/down`, { force: true });
  }

  /** Starts it, and its log, and again whenever its runsv comes back. */
  up(service: string): void {
    const path = this.path(service);
    fs.rmSync(`${path}/down`, { force: true });
    control(`${path}/log`, "u");
    control(path, "u");
  }

  /** TERM; runsv starts it again when it was up. */
  restart(service: string): void {
    control(this.path(service), "t");
  }

  /** Goes on as it is, and is not started again when it ends. */
  once(service: string): void {
    control(this.path(service), "o");
  }

  down(service: string): void {
    const path = this.path(service);
    fs.writeFileSync(`${path}/down`, "");
    control(path, "d");
  }

  /** Takes a service's place away; its runsv ends it and exits by itself. */
  async remove(service: string): Promise<void> {
    const path = this.path(service);
    if (!fs.existsSync(path)) return;
    this.down(service);
    const isDown = () => !isSupervised(path) || readStatus(path)?.state === "down";
    await until(isDown, STOP_SECONDS);
    if (!isDown()) control(path, "k");
    await until(isDown, STOP_SECONDS);
    // Out of runsvdir's sight before its runsv exits, so that no other one is started.
    const aside = `${this.#sv}/.gone-${randomBytes(6).toString("hex")}`;
    fs.renameSync(path, aside);
    control(aside, "dx");
    await until(() => !isSupervised(aside), STOP_SECONDS);
    fs.rmSync(aside, { recursive: true, force: true });
  }

  /** Keeps spare places ready, and clears away what a crash left. */
  replenish(): void {
    const names = listIfThere(this.#sv).map(String);
    const spares = names.filter((name) => name.startsWith(SPARE));
    for (let i = spares.length; i < this.#spares; i++) {
      this.#make(`${SPARE}${randomBytes(4).toString("hex")}`, true);
    }
    for (const name of names.filter((n) => n.startsWith(".gone-"))) {
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

  /** Built under a hidden name and renamed, so that runsvdir never sees half of it. */
  #make(name: string, spare = false): void {
    const building = `${this.#sv}/.new-${randomBytes(6).toString("hex")}`;
    fs.mkdirSync(`${building}/log`, { recursive: true, mode: 0o700 });
    for (const [name, script] of SCRIPTS) fs.symlinkSync(script, `${building}/${name}`);
    fs.writeFileSync(`${building}/down`, "");
    if (spare) fs.writeFileSync(`${building}/log/down`, "");
    try {
      fs.renameSync(building, `${this.#sv}/${name}`);
    } catch (error) {
      fs.rmSync(building, { recursive: true, force: true });
      if (!isAbsent(error)) throw error;
    }
  }
}

const SPARE = "spare-";
/** Every place is made of links to the same scripts, so that a newer ikigai's are used at once. */
const SCRIPTS = [
  ["run", "../../scripts/service/run"],
  ["finish", "../../scripts/service/finish"],
  ["control", "../../scripts/service/control"],
  ["log/run", "../../../scripts/service/log-run"],
] as const;
/** A backend that does not end on TERM is killed after this long. */
const STOP_SECONDS = 10;

/** Looks every few milliseconds until a condition holds or the time is over. */
async function until(condition: () => boolean, seconds: number): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  while (!condition() && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
