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
  readonly #serviceDirectories: ServiceDirectories;
  readonly #activator: ServiceActivator;
  readonly #journal: Journal;
  readonly #requested = new Set<Slug>();

  constructor(
    serviceDirectories: ServiceDirectories,
    activator: ServiceActivator,
    journal: Journal,
  ) {
    this.#serviceDirectories = serviceDirectories;
    this.#activator = activator;
    this.#journal = journal;
  }

  /** Records that a worktree was requested. Returns false if it was before. */
  ask(slug: Slug): boolean {
    if (this.#requested.has(slug)) return false;
    this.#requested.add(slug);
    return true;
  }

  forget(slug: Slug): void {
    this.#requested.delete(slug);
  }

  forgetAll(): void {
    this.#requested.clear();
  }

  /** Restarts outdated services, and starts those that start by themselves; call after each reconcile. */
  start(worktree: WorktreeFacts, provisioned: boolean): void {
    for (const service of worktree.services) this.#restartIfOutdated(worktree, service);
    for (const slug of worktree.trust().held.keys()) {
      const key = `${worktree.slug}.${slug}`;
      // The running process was approved, but its successor is not: do not restart it when it ends.
      if (this.#serviceDirectories.has(key)) this.#serviceDirectories.letFinish(key);
    }
    if (!provisioned || !this.#requested.has(worktree.slug)) return;
    for (const service of worktree.services) {
      const key = `${worktree.slug}.${service.slug}`;
      const { start } = serviceConfiguration(worktree.settings, service.name);
      if (!service.backend || !startsByItself(start, worktree.isDefault)) continue;
      if (this.#serviceDirectories.has(key) && !this.#serviceDirectories.isUnstarted(key)) continue;
      this.#activator.activate(worktree, service).then(
        (result) => {
          if (!result.awake) this.#journal(`service ${key} did not start: ${result.why}`);
        },
        (error: unknown) => this.#journal(`service ${key} did not start: ${errorMessage(error)}`),
      );
    }
  }

  /** Restarts a service if its definition is outdated; does not wait, as open requests may take a while. */
  #restartIfOutdated(worktree: WorktreeFacts, service: Service): void {
    const name = `service ${worktree.slug}.${service.slug}`;
    this.#activator.restartIfOutdated(worktree, service).then(
      (restarted) => restarted && this.#journal(`restart ${name}: its definition changed`),
      (error: unknown) => this.#journal(`restart ${name} failed: ${errorMessage(error)}`),
    );
  }
}
