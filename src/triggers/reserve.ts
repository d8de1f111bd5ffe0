import { BranchError, keepReserve, schemaSize } from "../host/branch/index.ts";
import { gatherExtensions } from "../host/postgres/branching.ts";
import { schemaOf } from "../model/slug.ts";
import type { Keeper } from "./keeper.ts";

const PAUSE_MS = 60_000;
const FIRST_PAUSE_MS = 3_000;

/**
 * Keeps a finished branch of the default worktree's schema ready, from which most
 * worktrees are made. Only while nobody is being served with a new one, and only
 * within the size that is copied at all. Returns the way to end it.
 */
export function keepReserveRegularly(keeper: Keeper, journal: (line: string) => void): () => void {
  let timer = setTimeout(tick, FIRST_PAUSE_MS);
  let refusal = "";
  async function tick(): Promise<void> {
    try {
      await keepOne();
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      // What cannot be branched cannot be kept either; said once.
      if (error instanceof BranchError && text !== refusal) journal(`no reserve: ${text}`);
      refusal = text;
    }
    timer = setTimeout(tick, PAUSE_MS);
  }
  async function keepOne(): Promise<void> {
    const worktree = keeper.find(".default");
    const { postgres, branching } = keeper.host;
    if (!worktree || branching.size > 0 || !keeper.isProvisioned(worktree.slug)) return;
    const { branch, maxSize, lockTimeout } = worktree.settings.database;
    if (branch !== "data") return;
    const base = schemaOf(worktree.slug);
    // Whoever creates one as the owner has it in `public`, where no worktree looks.
    for (const schema of ["public", base]) {
      for (const text of await gatherExtensions(postgres, schema)) keeper.host.notes.set(worktree.slug, text);
    }
    const size = await postgres.use((client) => schemaSize(client, base));
    if (size === 0 || size > maxSize) return;
    const kept = await keepReserve(() => postgres.connect(), base, { lockTimeoutMs: lockTimeout });
    if (kept.state === "built" || kept.state === "refreshed")
      journal(`reserve of ${base} ${kept.state}`);
  }
  return () => clearTimeout(timer);
}
