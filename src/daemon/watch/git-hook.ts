import { HookPipes } from "../../host/git/hook/fifo-server.ts";
import { installHook } from "../../host/git/hook/installation.ts";
import { excludeFromStatus, KEPT_OUT } from "../../host/git/info-exclude.ts";
import { errorMessage } from "../../host/postgres/error-message.ts";
import { setCoalescedTimeout } from "../../host/timers/coalesced-timeout.ts";
import type { Journal } from "../../model/journal.ts";
import type { Reconciler } from "../reconciler/reconciler.ts";

const SHORTEST_MS = 10_000;
const MS_PER_WORKTREE = 100;

/** git's hook names the administrative directory of a worktree that it has changed. */
export async function onHookCall(reconciler: Reconciler, gitDir: Uint8Array): Promise<void> {
  const slug = reconciler.slugOfGitDir(gitDir);
  if (slug !== undefined) await reconciler.reconcile(slug);
}

/**
 * Hears the hooks through pipes, and puts our part of them back after a hook manager
 * has written its own files anew; and our lines in `info/exclude`, where they were lost.
 * Costs nothing to speak of when all is as it was; until the next round the watcher serves.
 * Returns the way to end it.
 */
export function keepHooksInstalled(
  reconciler: Reconciler,
  commonDir: string,
  journal: Journal,
): () => void {
  const pipes = new HookPipes(
    reconciler.host.layout,
    (gitDir) => onHookCall(reconciler, gitDir),
    journal,
  );
  // Without them the hook asks at the socket.
  pipes
    .begin()
    .catch((error: unknown) => journal(`there are no pipes for the hook: ${errorMessage(error)}`));
  let giveUp = () => {};
  const told = new Map<string, string>();
  const next = () => {
    const pause = Math.max(SHORTEST_MS, reconciler.worktrees.length * MS_PER_WORKTREE);
    giveUp = setCoalescedTimeout(pause, () => void round().finally(next));
  };
  const keep = async (what: string, work: () => unknown) => {
    try {
      await work();
      told.delete(what);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      if (text !== told.get(what)) journal(`${what} cannot be kept in place: ${text}`);
      told.set(what, text);
    }
  };
  const round = async () => {
    await keep("info/exclude", () => excludeFromStatus(commonDir, KEPT_OUT));
    await keep("the hook", () => installHook({ commonDir, worktrees: reconciler.worktrees }));
  };
  next();
  return () => {
    giveUp();
    pipes.end();
  };
}
