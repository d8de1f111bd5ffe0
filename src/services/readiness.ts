import fs from "node:fs";
import { dirname } from "node:path";
import { DirectoryWatch } from "../host/fs/directory-watch.ts";
import { type Address, isListening, respondsOk } from "../host/net/probe.ts";
import type { Crash } from "../host/runit/failures.ts";

export interface Awaited {
  /** Any of them will do. Without one, it is ready when its process has run for a second. */
  readonly addresses: readonly Address[];
  /** Its process, while it runs. */
  readonly process: () => { readonly pid: number; readonly since: number } | undefined;
  /** The path that has to answer, besides the connection. */
  readonly ready?: string | undefined;
  /** Of `performance.now()`: a clock that is set moves no deadline. */
  readonly deadline: number;
  /** How it ended last, by itself. */
  readonly crash: () => Crash | undefined;
  /** Somebody wants it down, so there is nothing to wait for. */
  readonly unwanted: () => boolean;
}

/** How the wait for a service ended. */
export type Readiness = "ready" | "late" | "unwanted" | Crash;

/** Waits until a service can be used; no longer than until it ends, or the deadline. */
export async function awaitReadiness(
  awaited: Awaited,
  earlier: Crash | undefined,
): Promise<Readiness> {
  const stir = new SocketWatch(awaited.addresses);
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
      // A socket is bound a moment before it is listened at.
      pause = (await stir.within(pause)) ? SHORTEST_MS : Math.min(pause * 1.05, LONGEST_MS);
    }
    return "late";
  } finally {
    stir.end();
  }
}

/** Whether the same process has been there for a while. */
class Stable {
  #pid = 0;
  #seen = 0;

  has(process: ReturnType<Awaited["process"]>): boolean {
    if (process === undefined) return false;
    if (process.pid !== this.#pid) {
      this.#pid = process.pid;
      this.#seen = performance.now();
    }
    // One that was there before is not waited for; its time is of a clock that may be set.
    const before = Date.now() - process.since * 1_000;
    return performance.now() - this.#seen >= STABLE_MS || before >= 2 * STABLE_MS;
  }
}

const STABLE_MS = 1_000;

/** Tells at once of a socket that appears. Ports show nowhere, and watches may be used up. */
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

  /** Settles after a time, and with true as soon as something has changed since it settled last. */
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
 * The directory is ours alone already; the socket is as well, in case its path is shown elsewhere.
 * With its owner's right to execute, as nginx asks for that ("-x") to tell a socket that is there.
 */
function restrict(path: string): void {
  try {
    fs.chmodSync(path, 0o700);
  } catch {
    // It may have ended this very moment.
  }
}
