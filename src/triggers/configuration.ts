import { basename } from "node:path";
import { watch } from "chokidar";
import { CONFIGURATION_FILES } from "../facts/configuration.ts";

const NAMES = new Set(CONFIGURATION_FILES);

/**
 * Tells when a configuration file of these directories comes, changes or goes.
 * Returns the way to end it; `failed` is told once when the system gives no watches.
 */
export function watchConfiguration(
  directories: readonly string[],
  changed: () => void,
  failed: (error: unknown) => void,
): () => Promise<void> {
  const tops = new Set(directories);
  const watcher = watch([...tops], {
    depth: 0,
    ignoreInitial: true,
    followSymlinks: false,
    // Half-written, it would be read as another one, and the other half cause no event of its own.
    awaitWriteFinish: { stabilityThreshold: 100, pollInterval: 50 },
    ignored: (path) => !tops.has(path) && !NAMES.has(basename(path)),
  });
  watcher.on("all", changed);
  watcher.on("error", failed);
  return () => watcher.close();
}
