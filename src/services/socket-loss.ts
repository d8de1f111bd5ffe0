import { lstatIfThere } from "../host/fs/files.ts";
import type { Address } from "../host/net/probe.ts";
import type { SuperviseStatus } from "../host/runit/supervise.ts";

/** Which copies of services have listened: where such a one's socket is gone, it will not come by itself. */
export class SocketLoss {
  /** 0 for one that was started and has not listened yet. */
  readonly #pids = new Map<string, number>();

  begin(key: string): void {
    this.#pids.set(key, 0);
  }

  add(key: string, status: SuperviseStatus | undefined): void {
    this.#pids.set(key, status?.pid ?? 0);
  }

  /** Whether this copy, of which nobody here may know anything, had a socket there and lost it. */
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
    // It has had the time, and as we did not start it, it is not one that only needs more of it.
    const isSettled = known !== 0 && Date.now() - since * 1000 > patience;
    return known === pid || isSettled;
  }
}
