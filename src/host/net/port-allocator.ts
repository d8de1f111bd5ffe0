import fs from "node:fs";
import net from "node:net";
import type { Layout } from "../../model/layout.ts";
import { portsMap } from "../../model/ports-map.ts";
import { readIfThere, sha256, writeAtomically } from "../fs/files.ts";

/** Below Linux' ephemeral range (32768), so that no client connection takes one by chance. */
const FIRST = 20_000;
const COUNT = 12_000;

/**
 * Ports of backends that can only listen on TCP. `run/ports.map` is both the record and the map that nginx
 * reads. Only the daemon writes it, so no port is assigned twice.
 */
export class PortAllocator {
  readonly #file: string;
  readonly #start: number;
  readonly #changed: () => void;
  readonly #given = new Map<string, number>();
  /** Concurrent calls for a key share one allocation. */
  readonly #allocating = new Map<string, Promise<number>>();
  readonly #tried = new Set<number>();
  #default: string | undefined;

  constructor(layout: Layout, changed: () => void) {
    this.#file = `${layout.run}/ports.map`;
    this.#changed = changed;
    // Each project on a machine starts at a different port.
    this.#start = Number.parseInt(sha256(layout.root).slice(0, 8), 16) % COUNT;
    repairPortsMap(layout);
    const lines = readIfThere(this.#file)?.toString() ?? "";
    for (const [, key, port] of lines.matchAll(/^"([a-z0-9/-]+)" (\d+);$/gm)) {
      if (key) this.#given.set(key, Number(port));
    }
  }

  /** Sets the default worktree: nginx also knows its services under another name. */
  setDefault(worktree: string | undefined): void {
    if (this.#default === worktree) return;
    this.#default = worktree;
    if (this.#given.size > 0) this.#write();
  }

  get(key: string): number | undefined {
    return this.#given.get(key);
  }

  /**
   * Returns the service's port; assigns a free one the first time.
   *
   * @throws Error if no port is free
   */
  async allocate(key: string): Promise<number> {
    const known = this.#given.get(key);
    if (known !== undefined) return known;
    const running = this.#allocating.get(key) ?? this.#allocate(key);
    this.#allocating.set(key, running);
    return running.finally(() => this.#allocating.delete(key));
  }

  async #allocate(key: string): Promise<number> {
    for (let i = 0; i < COUNT; i++) {
      const port = FIRST + ((this.#start + i) % COUNT);
      if (this.#tried.has(port) || [...this.#given.values()].includes(port)) continue;
      // Reserved before the asynchronous check, during which another allocation may run.
      this.#tried.add(port);
      const free = await isFree(port);
      if (free) this.#given.set(key, port);
      this.#tried.delete(port);
      if (!free) continue;
      this.#write();
      return port;
    }
    throw new Error(`No free port between ${FIRST} and ${FIRST + COUNT - 1} is left for ${key}.`);
  }

  release(key: string): void {
    if (this.#given.delete(key)) this.#write();
  }

  /** Rewrites the record after another process has changed or deleted it. */
  restore(): void {
    this.#write();
  }

  #write(): void {
    const entries = [...this.#given].map(([key, port]) => {
      const [worktree = "", service = ""] = key.split("/");
      return { worktree, service, port };
    });
    const text = portsMap(entries, this.#default);
    if (readIfThere(this.#file)?.toString() === text) return;
    writeAtomically(this.#file, text, { durable: false });
    this.#changed();
  }
}

const LINE = /^"(?:\.default|[a-z0-9-]+)\/[a-z0-9-]+" \d{1,5};$/;

/**
 * Repairs `ports.map`, in which one broken line keeps nginx from starting at all: keeps the file as
 * `ports.map.broken` and writes the valid lines again. Returns whether it was broken.
 */
export function repairPortsMap({ run }: Pick<Layout, "run">): boolean {
  const file = `${run}/ports.map`;
  const text = readIfThere(file)?.toString("latin1");
  if (text === undefined) return false;
  const lines = text.split("\n").filter(Boolean);
  const whole = lines.filter((line) => LINE.test(line));
  const ended = text === "" || text.endsWith("\n");
  if (whole.length === lines.length && ended) return false;
  fs.renameSync(file, `${file}.broken`);
  writeAtomically(file, whole.map((line) => `${line}\n`).join(""), { durable: false });
  return true;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => {
      server.close(() => resolve(true));
    });
  });
}
