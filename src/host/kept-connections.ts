import fs from "node:fs";
import type { Layout } from "../model/layout.ts";
import { slotClaim } from "../model/nginx/slots.ts";
import { codeOf, linkAtomically } from "./files.ts";

/**
 * Lets nginx keep connections to a service, where the place that its name leads
 * to is free. Idempotent, and final as long as this nginx runs: a claim is never
 * taken back, so that no kept connection is ever found under another's name.
 */
export function keepConnections(layout: Layout, worktree: string, service: string): void {
  const { directory, link, target, marker } = slotClaim(layout, worktree, service);
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
