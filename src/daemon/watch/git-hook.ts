import { HookPipes } from "../../host/git/hook/fifo-server.ts";
import { installHook } from "../../host/git/hook/installation.ts";
import { excludeFromStatus, KEPT_OUT } from "../../host/git/info-exclude.ts";
import { errorMessage } from "../../host/postgres/error-message.ts";
import { setCoalescedTimeout } from "../../host/timers/coalesced-timeout.ts";
import type { Journal } from "../../model/journal.ts";
import type { Reconciler } from "../reconciler/reconciler.ts";

const SHORTEST_MS = 10_000;
const MS_PER_WORKTREE = 100;

/** Reconciles the worktree whose administrative directory git's hook has reported. */
export async function onHookCall(reconciler: Reconciler, gitDir: Uint8Array): Promise<void> {
  const slug = reconciler.slugOfGitDir(gitDir);
  if (slug !== undefined) await reconciler.reconcile(slug);
}

/**
 * Listens to the hooks through pipes, and regularly restores ikigai's part of the hooks, which hook
 * managers overwrite, and its lines in `info/exclude`. Cheap when nothing has changed; while a hook is
 * missing, the watch of git's directory still notices changes. Returns a function that stops it.
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
  // Without pipes the hook uses the socket.
  pipes
    .begin()
    .catch((error: unknown) => journal(`cannot create the hook's pipes: ${errorMessage(error)}`));
  let cancel = () => {};
  const logged = new Map<string, string>();
  const next = () => {
    const pause = Math.max(SHORTEST_MS, reconciler.worktrees.length * MS_PER_WORKTREE);
    cancel = setCoalescedTimeout(pause, () => void round().finally(next));
  };
  const keep = async (what: string, work: () => unknown) => {
    try {
      await work();
      logged.delete(what);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      if (text !== logged.get(what)) journal(`cannot keep ${what} up to date: ${text}`);
      logged.set(what, text);
    }
  };
  const round = async () => {
    await keep("info/exclude", () => excludeFromStatus(commonDir, KEPT_OUT));
    await keep("the hook", () => installHook({ commonDir, worktrees: reconciler.worktrees }));
  };
  next();
  return () => {
    cancel();
    pipes.end();
  };
}
