import type { Layout } from "../../model/layout.ts";
import { askDaemon, DaemonAway } from "../client/daemon-client.ts";
import { type Run, requireProject } from "../context.ts";
import { pc } from "../output/colours.ts";
import type { Noticed } from "../output/notices.ts";
import { offlineReports } from "../output/offline-reports.ts";
import { listText } from "../output/worktree-list.ts";

const WATCH_MS = 1_000;

/** Lists all worktrees. The usual case is handled by fast-path.ts and does not get here. */
export const wtList: Run = async ({ cwd, out, say }, _, options) => {
  const project = requireProject(cwd);
  const once = async () => {
    const seen = await readWorktreeReports(project.layout, () => offlineReports(project));
    const text = listText(seen, { json: Boolean(options.json), colours: pc });
    out(text.out);
    for (const line of text.say) say(line);
  };
  if (!options.watch) {
    await once();
    return 0;
  }
  const terminal = process.stdout.isTTY === true;
  for (;;) {
    if (terminal) process.stdout.write("\u001b[2J\u001b[H");
    await once();
    await new Promise((resolve) => setTimeout(resolve, WATCH_MS));
  }
};

/** Reads the worktrees from the daemon, or from `offline` while it is not running. */
export async function readWorktreeReports(
  layout: Layout,
  offline: () => Promise<Noticed>,
): Promise<Noticed & { readonly running: boolean }> {
  try {
    return { ...(await askDaemon<Noticed>(layout, "GET", "/v1/worktrees")), running: true };
  } catch (error) {
    if (!(error instanceof DaemonAway)) throw error;
    return { ...(await offline()), running: false };
  }
}
