import fs from "node:fs";
import { setTimeout } from "node:timers/promises";
import type { Layout } from "../../model/layout.ts";
import { linkAtomically, readlinkIfThere } from "../fs/files.ts";
import { openConnections } from "../net/open-connections.ts";
import { FORGOTTEN_MS, type KeptConnections } from "./keepalive-slots.ts";

/** Name that stands for the default worktree in addresses and directories; slugs contain no dot. */
export const DEFAULT = ".default";

/**
 * The links through which addresses without a worktree's name reach the default worktree's sockets and
 * documents. Changing them needs no reload of nginx, which would close clients' connections: new requests go
 * to the new worktree, requests under way finish where they began.
 */
export class DefaultPointer {
  readonly #sockets: string;
  /** The sockets' link first: its target decides where connections may be kept. */
  readonly #links: readonly string[];
  readonly #kept: KeptConnections;
  readonly #socketPath: (worktree: string, service: string) => string;
  readonly #ending: AbortSignal;
  #last: Promise<void> = Promise.resolve();
  /**
   * Services whose claims were withdrawn, and the earlier default worktrees to which connections may still be
   * kept.
   */
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

  /** The worktree that bare addresses lead to; undefined if the links are missing or differ. */
  get slug(): string | undefined {
    const [sockets, documents] = this.#links.map((link) => readlinkIfThere(link)?.toString());
    return sockets === documents ? sockets : undefined;
  }

  /**
   * Points the links at another worktree, one call after another. A call that is still waiting when the
   * daemon ends does nothing.
   */
  turn(to: string): Promise<void> {
    return this.#after(() => this.#turn(to));
  }

  /** Removes the links if they still point to this worktree. */
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
    // No connection can go astray if the link is unchanged, or its old target has no sockets.
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
   * Restores the claims once no client is connected to the earlier worktrees any more. A request from before
   * the change may run for hours, and nginx keeps its connection afterwards.
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

  /** Waits without keeping the process alive; returns early when the daemon ends. */
  async #pause(milliseconds: number): Promise<void> {
    await setTimeout(milliseconds, undefined, {
      signal: this.#ending,
      ref: false,
    }).catch(() => {});
  }
}

const SHORTEST_MS = 1_000;
const LONGEST_MS = 30_000;
