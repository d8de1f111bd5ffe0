import { type FSWatcher, watch } from "node:fs";
import { CONFIGURATION_FILES } from "../facts/configuration.ts";

const NAMES = new Set(CONFIGURATION_FILES);
/** An editor that saves a file causes several events. */
const QUIET_MS = 20;

/**
 * Tells when a configuration file of these directories comes, changes or goes.
 * Returns the way to end it; `failed` is told when the system gives no watches.
 * Whatever else happens there, such as a worktree that is added, costs nothing.
 */
export function watchConfiguration(
  directories: readonly string[],
  changed: () => void,
  failed: (error: unknown) => void,
): () => void {
  let timer: NodeJS.Timeout | undefined;
  const noticed = (_: string, name: string | null) => {
    if (name !== null && !NAMES.has(name)) return;
    clearTimeout(timer);
    timer = setTimeout(changed, QUIET_MS);
  };
  const watchers = [...new Set(directories)].flatMap((directory): FSWatcher[] => {
    try {
      return [watch(directory, noticed).on("error", failed)];
    } catch (error) {
      failed(error);
      return [];
    }
  });
  return () => {
    clearTimeout(timer);
    for (const watcher of watchers) watcher.close();
  };
}
