import fs from "node:fs";
import { dirname } from "node:path";
import { DirectoryWatch } from "../host/fs/directory-watch.ts";
import { type Address, isListening, respondsOk } from "../host/net/probe.ts";
import type { Crash } from "../host/runit/failures.ts";

export interface Awaited {
  /** It is ready when one of these answers; if empty, when its process has run for a second. */
  readonly addresses: readonly Address[];
  /** Returns its process while that runs. */
  readonly process: () => { readonly pid: number; readonly since: number } | undefined;
  /** A path that also has to answer with success. */
  readonly ready?: string | undefined;
  /** A time of `performance.now()`, so that setting the clock moves no deadline. */
  readonly deadline: number;
  /** Returns its last crash. */
  readonly crash: () => Crash | undefined;
  /** Whether a stop was requested meanwhile. */
  readonly unwanted: () => boolean;
}

/** The result of waiting for a service. */
export type Readiness = "ready" | "late" | "unwanted" | Crash;

/**
 * Waits until a service is ready, crashes, or the deadline passes.
 *
 * @param earlier the crash known before the start, which does not count
 */
export async function awaitReadiness(
  awaited: Awaited,
  earlier: Crash | undefined,
): Promise<Readiness> {
  const socketWatch = new SocketWatch(awaited.addresses);
  const stable = new Stable();
  let pause = SHORTEST_MS;
  try {
    while (performance.now() < awaited.deadline) {
      const isThere =
        awaited.addresses.length > 0 ? isReady(awaited) : stable.has(awaited.process());
      if (await isThere) return "ready";
      const crash = awaited.crash();
      if (crash && crash.at !== earlier?.at) return crash;
      if (awaited.unwanted()) return "unwanted";
      // A socket file appears (bind) a moment before it accepts connections (listen).
      pause = (await socketWatch.within(pause)) ? SHORTEST_MS : Math.min(pause * 1.05, LONGEST_MS);
    }
    return "late";
  } finally {
    socketWatch.end();
  }
}

/** Tells whether the same process has been running for a while. */
class Stable {
  #pid = 0;
  #seen = 0;

  has(process: ReturnType<Awaited["process"]>): boolean {
    if (process === undefined) return false;
    if (process.pid !== this.#pid) {
      this.#pid = process.pid;
      this.#seen = performance.now();
    }
    // Do not wait for one that was running before; twice the time, as its start is of a clock that may be
    // set.
    const before = Date.now() - process.since * 1_000;
    return performance.now() - this.#seen >= STABLE_MS || before >= 2 * STABLE_MS;
  }
}

const STABLE_MS = 1_000;

/** Reports appearing sockets at once. Only a hint: ports cannot be watched, and watches may be used up. */
class SocketWatch {
  readonly #watches: readonly DirectoryWatch[];
  #hasChanged = false;
  #tell = () => {};

  constructor(addresses: readonly Address[]) {
    const sockets = addresses.flatMap((address) => ("path" in address ? [address.path] : []));
    this.#watches = [...new Set(sockets.map((path) => dirname(path)))].map(
      (directory) =>
        new DirectoryWatch(directory, () => {
          this.#hasChanged = true;
          this.#tell();
        }),
    );
  }

  /** Waits the given time at most; returns true as soon as something has changed since the last call. */
  async within(milliseconds: number): Promise<boolean> {
    if (!this.#hasChanged) {
      await new Promise<void>((resolve) => {
        this.#tell = resolve;
        setTimeout(resolve, milliseconds);
      });
    }
    const hasChanged = this.#hasChanged;
    this.#hasChanged = false;
    return hasChanged;
  }

  end(): void {
    for (const watch of this.#watches) watch.close();
  }
}

const SHORTEST_MS = 2;
const LONGEST_MS = 50;

async function isReady({ addresses, ready }: Awaited): Promise<boolean> {
  for (const address of addresses) {
    if (!(await isListening(address))) continue;
    if (ready !== undefined && !(await respondsOk(address, ready))) continue;
    if ("path" in address) restrict(address.path);
    return true;
  }
  return false;
}

/**
 * Restricts a socket to its owner, as its directory already is, in case it is mounted elsewhere. Keeps
 * the execute permission, because nginx tests for an existing socket with "-x".
 */
function restrict(path: string): void {
  try {
    fs.chmodSync(path, 0o700);
  } catch {
    // The service may just have stopped.
  }
}
