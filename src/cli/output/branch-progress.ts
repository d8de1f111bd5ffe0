import type { Layout } from "../../model/layout.ts";
import type { WorktreeReport } from "../../model/reports.ts";
import { askDaemon } from "../client/daemon-client.ts";

const INTERVAL_MS = 200;

/** Shows the progress of a worktree's database branch while `work` runs; only on a terminal. */
export async function withBranchProgress<T>(
  layout: Layout,
  query: URLSearchParams,
  work: () => Promise<T>,
  terminal: NodeJS.WriteStream = process.stderr,
): Promise<T> {
  if (terminal.isTTY !== true) return work();
  let over = false;
  let shown = false;
  const showing = (async () => {
    while (!over) {
      const answer = await askDaemon<{ worktree: WorktreeReport }>(
        layout,
        "GET",
        `/v1/worktree?${query}`,
      ).catch(() => undefined);
      const text = lineFor(answer?.worktree);
      if (!over && text !== undefined) {
        terminal.write(`\r\u001b[K${text}`);
        shown = true;
      }
      await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
    }
  })();
  try {
    return await work();
  } finally {
    over = true;
    if (shown) terminal.write("\r\u001b[K");
    void showing;
  }
}

function lineFor(worktree: WorktreeReport | undefined): string | undefined {
  if (worktree?.state !== "branching") return undefined;
  return `  branching the database of ${worktree.slug}: ${Math.floor((worktree.progress ?? 0) * 100)} %`;
}
