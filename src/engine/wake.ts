import fs from "node:fs";
import type { WorktreeFacts } from "../facts/facts.ts";
import { type Address, accepts, answersWell } from "../host/connect.ts";
import type { Host } from "../host/host.ts";
import { lastLines } from "../host/logs.ts";
import { readStatus } from "../host/runit/supervise.ts";
import { serviceConfiguration } from "../model/configuration.ts";
import type { ServiceFailure } from "../model/failure-page.ts";
import type { Service } from "../model/worktree.ts";

/** What came of asking for a service. */
export type Awakening = { readonly awake: true } | Asleep;

export interface Asleep extends Omit<ServiceFailure, "title"> {
  readonly awake: false;
}

const GIVEN_UP = 10;
const LOG_LINES = 20;

/** Starts services that somebody asks for; many at once cause one start. */
export class Wakes {
  readonly #host: Host;
  readonly #starting = new Map<string, Promise<Awakening>>();

  constructor(host: Host) {
    this.#host = host;
  }

  isStarting(key: string): boolean {
    return this.#starting.has(key);
  }

  /** Settles when no service is starting any more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#starting.values());
  }

  /**
   * Settles when the service accepts connections, has failed, or its patience is
   * over. `forced` also starts one that was stopped by hand.
   */
  wake(worktree: WorktreeFacts, service: Service, forced = false): Promise<Awakening> {
    const key = `${worktree.slug}.${service.slug}`;
    const known = this.#starting.get(key);
    if (known) return known;
    const starting = this.#start(key, worktree, service, forced).finally(() =>
      this.#starting.delete(key),
    );
    this.#starting.set(key, starting);
    return starting;
  }

  /** Ends a service and takes its place away; the next request may start it again. */
  async rest(worktree: WorktreeFacts, service: Service): Promise<{ awake: false }> {
    const key = `${worktree.slug}.${service.slug}`;
    await this.#starting.get(key);
    await this.#host.slots.remove(key);
    this.#host.definitions.forgive(key);
    return { awake: false };
  }

  /** Why a service that should answer does not; nothing is started. */
  explain(worktree: WorktreeFacts, service: Service): Omit<ServiceFailure, "title"> {
    const key = `${worktree.slug}.${service.slug}`;
    const crashes = this.#host.definitions.crashes(key);
    const why = crashes ? howItEnded(crashes) : "it closed the connection before it answered";
    return this.#failure(key, why, `ikigai logs ${worktree.slug}/${service.slug}`);
  }

  async #start(
    key: string,
    worktree: WorktreeFacts,
    service: Service,
    forced: boolean,
  ): Promise<Awakening> {
    const { slots, definitions } = this.#host;
    const held = worktree.trust().held.get(service.slug);
    if (held !== undefined) {
      return this.#failure(key, `${held} has not been approved`, `ikigai trust ${worktree.slug}`);
    }
    const placed = slots.has(key);
    const before = placed ? readStatus(slots.path(key)) : undefined;
    const crashes = definitions.crashes(key)?.count ?? 0;
    if (before?.wants === "down" && before.state === "down" && crashes === 0 && !forced) {
      return this.#failure(
        key,
        "it was stopped by hand",
        `ikigai up ${worktree.slug}/${service.slug}`,
      );
    }
    if (crashes >= GIVEN_UP || forced) definitions.forgive(key);
    if (!placed) slots.place(key);
    if (before?.state !== "run" || before.wants === "down") slots.up(key);
    return this.#await(key, worktree, service);
  }

  async #await(key: string, worktree: WorktreeFacts, service: Service): Promise<Awakening> {
    const { definitions } = this.#host;
    const settings = serviceConfiguration(worktree.settings, service.name);
    const deadline = Date.now() + settings.patience;
    const crashed = definitions.crashes(key)?.count ?? 0;
    const addresses = this.#addresses(worktree.slug, service);
    while (Date.now() < deadline) {
      for (const address of addresses) {
        if (!(await accepts(address))) continue;
        if (settings.ready && !(await answersWell(address, settings.ready))) continue;
        if ("path" in address) restrict(address.path);
        return { awake: true };
      }
      const now = definitions.crashes(key);
      if (now && now.count > crashed) {
        return this.#failure(key, howItEnded(now), `ikigai logs ${worktree.slug}/${service.slug}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 4));
    }
    const seconds = Math.round(settings.patience / 1000);
    return this.#failure(
      key,
      `it does not listen ${seconds} s after its start`,
      `ikigai logs ${worktree.slug}/${service.slug}`,
    );
  }

  /** Relative to the daemon's working directory, since an address holds 108 bytes. */
  #addresses(worktree: string, service: Service): Address[] {
    const listen = service.backend?.listen ?? "socket";
    const port = this.#host.ports.get(`${worktree}/${service.slug}`);
    const socket: Address = { path: `${worktree}/${service.slug}.sock` };
    if (listen === "socket" || port === undefined) return [socket];
    return listen === "tcp" ? [{ port }] : [socket, { port }];
  }

  #failure(key: string, why: string, next: string): Asleep {
    const log = lastLines(`${this.#host.layout.logs}/${key}/current`, LOG_LINES);
    return { awake: false, why, next, log };
  }
}

function howItEnded({ code, signal }: { code: number; signal: number }): string {
  return `it ended with ${code >= 0 ? `exit code ${code}` : `signal ${signal}`}`;
}

/** The directory is ours alone already; the socket is as well, in case its path is shown elsewhere. */
function restrict(path: string): void {
  try {
    fs.chmodSync(path, 0o600);
  } catch {
    // It may have ended this very moment.
  }
}
