import type { WorktreeFacts } from "../discovery/facts.ts";
import { explain } from "../host/postgres/error-message.ts";
import type { Slots } from "../host/runit/service-directories.ts";
import { serviceConfiguration } from "../model/configuration/configuration.ts";
import type { Journal } from "../model/journal.ts";
import type { Slug } from "../model/slug.ts";
import { startsByItself } from "../model/start-policy.ts";
import type { Service } from "../model/worktree.ts";
import type { Wakes } from "./activator.ts";

/** Starts what runs by itself in the worktrees that somebody has asked for; a look alone never starts code of a new one. */
export class Autostart {
  readonly #slots: Slots;
  readonly #wakes: Wakes;
  readonly #journal: Journal;
  readonly #asked = new Set<Slug>();

  constructor(slots: Slots, wakes: Wakes, journal: Journal) {
    this.#slots = slots;
    this.#wakes = wakes;
    this.#journal = journal;
  }

  /** Somebody asks for a worktree. False when somebody has before. */
  ask(slug: Slug): boolean {
    if (this.#asked.has(slug)) return false;
    this.#asked.add(slug);
    return true;
  }

  forget(slug: Slug): void {
    this.#asked.delete(slug);
  }

  forgetAll(): void {
    this.#asked.clear();
  }

  /** To be called after each look; `provisioned` says whether the worktree has all it needs. */
  start(worktree: WorktreeFacts, provisioned: boolean): void {
    for (const service of worktree.services) this.#renew(worktree, service);
    for (const slug of worktree.trust().held.keys()) {
      const key = `${worktree.slug}.${slug}`;
      // What runs was approved; what would run after it was not.
      if (this.#slots.has(key)) this.#slots.once(key);
    }
    if (!provisioned || !this.#asked.has(worktree.slug)) return;
    for (const service of worktree.services) {
      const key = `${worktree.slug}.${service.slug}`;
      const { start } = serviceConfiguration(worktree.settings, service.name);
      if (!service.backend || !startsByItself(start, worktree.isDefault)) continue;
      if (this.#slots.has(key) && !this.#slots.isUnbegun(key)) continue;
      this.#wakes.wake(worktree, service).then(
        (result) => {
          if (!result.awake) this.#journal(`service ${key} did not start: ${result.why}`);
        },
        (error: unknown) => this.#journal(`service ${key} did not start: ${explain(error)}`),
      );
    }
  }

  /** Not waited for: who is inside a service may take a while to finish. */
  #renew(worktree: WorktreeFacts, service: Service): void {
    const name = `service ${worktree.slug}.${service.slug}`;
    this.#wakes.renew(worktree, service).then(
      (renewed) => renewed && this.#journal(`renew ${name}: how it is started changed`),
      (error: unknown) => this.#journal(`renew ${name} failed: ${explain(error)}`),
    );
  }
}
