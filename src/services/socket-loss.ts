import { lstatIfThere } from "../host/fs/files.ts";
import type { Address } from "../host/net/probe.ts";
import type { SuperviseStatus } from "../host/runit/supervise.ts";

/** Remembers which processes have opened their socket, to notice when the socket file is lost. */
export class SocketLoss {
  /** Pids by service; 0 for one that was started and has not listened yet. */
  readonly #pids = new Map<string, number>();

  begin(key: string): void {
    this.#pids.set(key, 0);
  }

  add(key: string, status: SuperviseStatus | undefined): void {
    this.#pids.set(key, status?.pid ?? 0);
  }

  /** Tells whether a process, perhaps started by an earlier daemon, has had a socket and lost it. */
  hasLost(
    key: string,
    { pid, since }: SuperviseStatus,
    addresses: readonly Address[],
    patience: number,
  ): boolean {
    if (addresses.length === 0) return false;
    if (addresses.some((address) => !("path" in address) || lstatIfThere(address.path)))
      return false;
    const known = this.#pids.get(key);
    // One that this daemon did not start has had its start-up timeout by now.
    const isSettled = known !== 0 && Date.now() - since * 1000 > patience;
    return known === pid || isSettled;
  }
}
