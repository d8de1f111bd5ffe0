import fs from "node:fs";
import type { Layout } from "../../model/layout.ts";
import { slotClaim } from "../../model/nginx/keepalive-slots.ts";
import { codeOf, linkAtomically, listIfThere, readlinkIfThere } from "../fs/files.ts";

/** Decides to which services nginx keeps connections, by keep-alive slot. */
export class KeptConnections {
  readonly #layout: Layout;
  readonly #barred = new Set<string>();

  constructor(layout: Layout) {
    this.#layout = layout;
  }

  /**
   * Lets nginx keep connections to a service, if the slot its name hashes to is free. Idempotent, and
   * permanent while this nginx runs: no other service gets the slot, so a kept connection is never used under
   * another name.
   */
  claim(worktree: string, service: string): void {
    if (this.#barred.has(worktree)) return;
    const { directory, link, target, marker } = slotClaim(this.#layout, worktree, service);
    if (fs.existsSync(marker)) return;
    try {
      fs.mkdirSync(directory, { mode: 0o700 });
    } catch (error) {
      // EEXIST: another service has the slot. ENOENT: nginx is not running.
      if (codeOf(error) === "EEXIST" || codeOf(error) === "ENOENT") return;
      throw error;
    }
    linkAtomically(target, link);
    fs.mkdirSync(marker, { mode: 0o700 });
  }

  /**
   * Withdraws the claims of a name that is about to lead elsewhere, and prevents new ones until `allow`.
   * Returns the services that had claims; their slots stay reserved for them.
   */
  giveUp(worktree: string): string[] {
    this.#barred.add(worktree);
    const slots = `${this.#layout.run}/slots`;
    return listIfThere(slots).flatMap((slot) =>
      listIfThere(`${slots}/${slot}`)
        .map(String)
        .filter((name) => name.startsWith(`${worktree}.`) && name.length > worktree.length + 1)
        .flatMap((name) => {
          fs.rmSync(`${slots}/${slot}/${name}`, { recursive: true, force: true });
          return [name.slice(worktree.length + 1)];
        }),
    );
  }

  allow(worktree: string): void {
    this.#barred.delete(worktree);
  }

  /** Restores a service's withdrawn claim, unless nginx has been restarted since. */
  takeBack(worktree: string, service: string): void {
    const { link, target, marker } = slotClaim(this.#layout, worktree, service);
    if (this.#barred.has(worktree) || readlinkIfThere(link)?.toString() !== target) return;
    fs.mkdirSync(marker, { recursive: true, mode: 0o700 });
  }
}

/** How long nginx may still see a withdrawn claim, plus how long it then keeps an unused connection. */
export const FORGOTTEN_MS = 3_500;
