import fs from "node:fs";
import type { Layout } from "../../model/layout.ts";
import { slotClaim } from "../../model/nginx/keepalive-slots.ts";
import { codeOf, linkAtomically, listIfThere, readlinkIfThere } from "../fs/files.ts";

/** Which services nginx keeps connections to, and under whose name. */
export class KeptConnections {
  readonly #layout: Layout;
  readonly #barred = new Set<string>();

  constructor(layout: Layout) {
    this.#layout = layout;
  }

  /**
   * Lets nginx keep connections to a service, where the place that its name leads to is free.
   * Idempotent, and final for a worktree as long as this nginx runs: no other claims its place, so that
   * no kept connection is ever found under another's name.
   */
  claim(worktree: string, service: string): void {
    if (this.#barred.has(worktree)) return;
    const { directory, link, target, marker } = slotClaim(this.#layout, worktree, service);
    if (fs.existsSync(marker)) return;
    try {
      fs.mkdirSync(directory, { mode: 0o700 });
    } catch (error) {
      // EEXIST: another service was first. ENOENT: there is no nginx that could keep any.
      if (codeOf(error) === "EEXIST" || codeOf(error) === "ENOENT") return;
      throw error;
    }
    linkAtomically(target, link);
    fs.mkdirSync(marker, { mode: 0o700 });
  }

  /**
   * Takes the claims of a name from nginx, which may lead to others soon, and lets it make none until
   * `allow`. Answers whose they were: their places stay theirs.
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

  /** Gives a service the claim back that was given up; nothing where nginx has begun anew since. */
  takeBack(worktree: string, service: string): void {
    const { link, target, marker } = slotClaim(this.#layout, worktree, service);
    if (this.#barred.has(worktree) || readlinkIfThere(link)?.toString() !== target) return;
    fs.mkdirSync(marker, { recursive: true, mode: 0o700 });
  }
}

/** How long nginx may still find a claim that was given up, and then keep a connection that nobody uses. */
export const FORGOTTEN_MS = 3_500;
