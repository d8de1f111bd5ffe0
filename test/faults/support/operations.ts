import type { Outcome } from "../../support/project.ts";
import type { Patient } from "./patient.ts";
import { kill, type Process } from "./processes.ts";

/** Random numbers that are repeatable with a seed (mulberry32). */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % sides;
  };
}

/** Runs users' operations, and kills, in random order. */
export class Operations {
  readonly #patient: Patient;
  readonly #roll: (sides: number) => number;
  /** The worktrees that were added here, with their paths. */
  readonly #added = new Map<string, string>();
  readonly counts = new Map<string, number>();

  constructor(patient: Patient, seed: number) {
    this.#patient = patient;
    this.#roll = dice(seed);
  }

  get added(): ReadonlySet<string> {
    return new Set(this.#added.keys());
  }

  get kills(): number {
    return this.counts.get("kill") ?? 0;
  }

  get total(): number {
    return [...this.counts.values()].reduce((sum, n) => sum + n, 0);
  }

  /** Runs one operation or kill; spared processes are neither killed nor stopped. */
  async any(spared: readonly Process[]): Promise<void> {
    const name = `s${this.#roll(8)}`;
    const operation = this.#choose(name, spared);
    this.counts.set(operation, (this.counts.get(operation) ?? 0) + 1);
    const { project } = this.#patient;
    switch (operation) {
      case "add":
        return await this.#add(name);
      case "remove":
      case "rm -rf":
        return await this.#remove(name, operation);
      case "move":
        return await this.#move(name);
      case "switch":
        await project.run("git", ["switch", "-q", "-C", `${name}-${this.#roll(3)}`], {
          cwd: this.#added.get(name) ?? ".",
        });
        return;
      case "restore":
        if (await this.#patient.rows.restoring(name).catch(() => false)) {
          await project.ikigai("wt", "restore", name);
        }
        return;
      case "stop and start":
        await project.ikigai("stop");
        await project.ikigai("start");
        return;
      case "list":
        await project.ikigai("wt", "list");
        return;
      case "commit":
        await project.run("git", ["commit", "-q", "--allow-empty", "-m", "x"], { cwd: "rel-05" });
        return;
      case "request": {
        const all = [...this.#added.keys(), "main", "rel-05"];
        await project
          .http(`/${all[this.#roll(all.length)]}/api/x`, { timeout: 20_000 })
          .catch(() => {});
        return;
      }
      case "kill":
        return await this.#kill(spared);
    }
  }

  #choose(name: string, spared: readonly Process[]) {
    const pick = this.#roll(100);
    const isThere = this.#added.has(name);
    if (pick < 25 && !isThere) return "add";
    if (pick < 8) return "switch";
    if (pick < 14) return "move";
    if (pick < 18) return "restore";
    if (pick < 24 && isThere) return "rm -rf";
    if (pick < 40 && isThere) return "remove";
    if (pick < 62) return "request";
    if (pick < 70) return "list";
    if (pick < 73) return "commit";
    return pick < 75 && spared.length === 0 ? "stop and start" : "kill";
  }

  #git(...args: string[]): Promise<Outcome> {
    return this.#patient.project.run("git", args);
  }

  async #add(name: string): Promise<void> {
    const path = this.#patient.project.worktree(name);
    this.#patient.rows.added(name);
    await this.#git("worktree", "add", "-q", "-B", name, path, "main");
    this.#added.set(name, path);
  }

  async #remove(name: string, how: "remove" | "rm -rf"): Promise<void> {
    const path = this.#added.get(name);
    if (path === undefined) return;
    // It would be unknown which data must stay.
    const isKnown = await this.#patient.rows.removing(name).then(
      () => true,
      () => false,
    );
    if (!isKnown) return;
    if (how === "remove") await this.#git("worktree", "remove", "--force", path);
    else {
      await this.#patient.project.run("rm", ["-rf", path]);
      await this.#git("worktree", "prune");
    }
    this.#added.delete(name);
  }

  async #move(name: string): Promise<void> {
    const path = this.#added.get(name);
    if (path === undefined) return;
    const first = this.#patient.project.worktree(name);
    const to = path === first ? `${first}-moved` : first;
    const moved = await this.#git("worktree", "move", path, to);
    if (moved.exitCode === 0) this.#added.set(name, to);
  }

  async #kill(spared: readonly Process[]): Promise<void> {
    const { all, daemon, runsvdir } = this.#patient.cast();
    // No process is left that would restore anything.
    if (daemon.length + runsvdir.length === 0) await this.#patient.project.ikigai("start");
    const victims = all.filter(({ pid }) => spared.every((one) => one.pid !== pid));
    const victim = victims[this.#roll(victims.length)];
    if (victim) kill(victim);
  }
}
