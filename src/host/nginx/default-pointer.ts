import fs from "node:fs";
import { setTimeout } from "node:timers/promises";
import type { Layout } from "../../model/layout.ts";
import { linkAtomically, readlinkIfThere } from "../fs/files.ts";
import { openConnections } from "../net/open-connections.ts";
import { FORGOTTEN_MS, type KeptConnections } from "./keepalive-slots.ts";

/** What stands for the default worktree in addresses and in directories; no slug holds a dot. */
export const DEFAULT = ".default";

/**
 * The links by which addresses without a worktree's name lead to the default one's sockets and documents.
 * They are turned without a reload of nginx, which would cut kept connections of clients: new requests go to
 * the new worktree, those that are going on end where they began.
 */
export class DefaultPointer {
  readonly #sockets: string;
  /** Sockets first: what they lead to decides where a connection may be kept to. */
  readonly #links: readonly string[];
  readonly #kept: KeptConnections;
  readonly #socketPath: (worktree: string, service: string) => string;
  readonly #ending: AbortSignal;
  #last: Promise<void> = Promise.resolve();
  /** Services whose claims were given up, and the worktrees that connections may still be kept to. */
  readonly #given = { services: new Set<string>(), earlier: new Set<string>(), turns: 0 };

  constructor(
    layout: Layout,
    kept: KeptConnections,
    socketPath: (worktree: string, service: string) => string,
    ending: AbortSignal,
  ) {
    this.#sockets = layout.sockets;
    this.#links = [layout.sockets, layout.documents].map((place) => `${place}/${DEFAULT}`);
    this.#kept = kept;
    this.#socketPath = socketPath;
    this.#ending = ending;
  }

  /** The worktree that bare addresses lead to now; undefined where they lead nowhere, or to two. */
  get slug(): string | undefined {
    const [sockets, documents] = this.#links.map((link) => readlinkIfThere(link)?.toString());
    return sockets === documents ? sockets : undefined;
  }

  /** Turns the links, one turn after another. One that waits still when all ends is not made. */
  turn(to: string): Promise<void> {
    return this.#after(() => this.#turn(to));
  }

  /** Takes the links away, unless they lead elsewhere by now. */
  remove(from: string | undefined): Promise<void> {
    return this.#after(() => {
      for (const link of this.#links) {
        if (readlinkIfThere(link)?.toString() === from) fs.rmSync(link, { force: true });
      }
    });
  }

  #after(work: () => Promise<void> | void): Promise<void> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }

  async #turn(to: string): Promise<void> {
    if (this.slug === to) return;
    const [led = ""] = this.#links.map((link) => readlinkIfThere(link)?.toString());
    // Where it has led to the same already, or to nobody who is there, no connection leads astray.
    const mayStray = led !== "" && led !== to && fs.existsSync(`${this.#sockets}/${led}`);
    const services = mayStray ? this.#kept.giveUp(DEFAULT) : [];
    try {
      if (services.length > 0) await this.#pause(FORGOTTEN_MS);
      if (this.#ending.aborted) return;
      for (const link of this.#links) linkAtomically(to, link);
    } finally {
      this.#kept.allow(DEFAULT);
    }
    for (const service of services) this.#given.services.add(service);
    if (mayStray) this.#given.earlier.add(led);
    this.#given.earlier.delete(to);
    void this.#takeBack(++this.#given.turns).catch(() => {});
  }

  /**
   * A request that began before may run for hours, and its connection is kept once it ends: claims come
   * back when nobody is connected any more to where the name has led.
   */
  async #takeBack(turn: number): Promise<void> {
    const { services, earlier } = this.#given;
    for (let pause = SHORTEST_MS; services.size > 0; pause = Math.min(pause * 2, LONGEST_MS)) {
      await this.#pause(pause);
      const sockets = [...earlier].flatMap((worktree) =>
        [...services].map((service) => this.#socketPath(worktree, service)),
      );
      const open = await openConnections(sockets.map((socket) => ({ key: socket, socket })));
      if (this.#ending.aborted || turn !== this.#given.turns) return;
      if ([...open.values()].some((count) => count > 0)) continue;
      for (const service of services) this.#kept.takeBack(DEFAULT, service);
      services.clear();
      earlier.clear();
    }
  }

  /** Keeps no process alive, and is over at once when all is. */
  async #pause(milliseconds: number): Promise<void> {
    await setTimeout(milliseconds, undefined, {
      signal: this.#ending,
      ref: false,
    }).catch(() => {});
  }
}

const SHORTEST_MS = 1_000;
const LONGEST_MS = 30_000;
