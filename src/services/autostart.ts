import type { WorktreeFacts } from "../discovery/facts.ts";
import { errorMessage } from "../host/postgres/error-message.ts";
import type { ServiceDirectories } from "../host/runit/service-directories.ts";
import { serviceConfiguration } from "../model/configuration/configuration.ts";
import type { Journal } from "../model/journal.ts";
import type { Slug } from "../model/slug.ts";
import { startsByItself } from "../model/start-policy.ts";
import type { Service } from "../model/worktree.ts";
import type { ServiceActivator } from "./activator.ts";

/**
 * Starts the services that start by themselves, in requested worktrees only: reconciling never runs code of a
 * new one.
 */
export class Autostart {
  readonly #slots: ServiceDirectories;
  readonly #activator: ServiceActivator;
  readonly #journal: Journal;
  readonly #asked = new Set<Slug>();

  constructor(slots: ServiceDirectories, activator: ServiceActivator, journal: Journal) {
    this.#slots = slots;
    this.#activator = activator;
    this.#journal = journal;
  }

  /** Records that a worktree was requested. Returns false if it was before. */
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

  /** Restarts outdated services, and starts those that start by themselves; call after each reconcile. */
  start(worktree: WorktreeFacts, provisioned: boolean): void {
    for (const service of worktree.services) this.#renew(worktree, service);
    for (const slug of worktree.trust().held.keys()) {
      const key = `${worktree.slug}.${slug}`;
      // The running process was approved, but its successor is not: do not restart it when it ends.
      if (this.#slots.has(key)) this.#slots.letFinish(key);
    }
    if (!provisioned || !this.#asked.has(worktree.slug)) return;
    for (const service of worktree.services) {
      const key = `${worktree.slug}.${service.slug}`;
      const { start } = serviceConfiguration(worktree.settings, service.name);
      if (!service.backend || !startsByItself(start, worktree.isDefault)) continue;
      if (this.#slots.has(key) && !this.#slots.isUnstarted(key)) continue;
      this.#activator.activate(worktree, service).then(
        (result) => {
          if (!result.awake) this.#journal(`service ${key} did not start: ${result.why}`);
        },
        (error: unknown) => this.#journal(`service ${key} did not start: ${errorMessage(error)}`),
      );
    }
  }

  /** Restarts a service if its definition is outdated; does not wait, as open requests may take a while. */
  #renew(worktree: WorktreeFacts, service: Service): void {
    const name = `service ${worktree.slug}.${service.slug}`;
    this.#activator.restartIfOutdated(worktree, service).then(
      (renewed) => renewed && this.#journal(`restart ${name}: its definition changed`),
      (error: unknown) => this.#journal(`restart ${name} failed: ${errorMessage(error)}`),
    );
  }
}
