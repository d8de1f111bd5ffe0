import fs from "node:fs";
import { refuseFullDisk } from "../../host/fs/free-space.ts";
import { worktreeUrl } from "../../model/environment-variables.ts";
import { askDaemon } from "../client/daemon-client.ts";
import type { Run } from "../context.ts";
import { pc } from "../output/colours.ts";
import { type Noticed, noticesText } from "../output/notices.ts";
import { worktreeTable } from "../output/plain-table.ts";
import { withSpinner } from "../output/spinner.ts";
import { control } from "../setup/control.ts";
import { loadNginxConfiguration } from "../setup/nginx-configuration.ts";
import { replaceOutdatedDaemon } from "../setup/outdated-daemon.ts";
import { assertPortsFree } from "../setup/port-conflicts.ts";
import { prepareProject } from "../setup/prepare-project.ts";

/** Starts the supervisor, Postgres, nginx and the daemon, and reconciles every worktree. */
export const start: Run = async ({ cwd, say }) => {
  const { layout, configuration } = await prepareProject(cwd);
  const first = !fs.existsSync(`${layout.db}/PG_VERSION`);
  if (first) refuseFullDisk(layout);
  await assertPortsFree(layout, configuration);
  // Remove the `down` files first, so that runsvdir starts all three in its first scan.
  for (const name of ["nginx", "postgres", "daemon"]) {
    fs.rmSync(`${layout.sv}/${name}/down`, { force: true });
  }
  await withSpinner("supervisor and daemon", async () => {
    await control(layout, "runsvdir", "start");
    await replaceOutdatedDaemon(layout);
  });
  await Promise.all([
    withSpinner(first ? "Postgres (creates the database)" : "Postgres", () =>
      control(layout, "pg_ctl", "start"),
    ),
    withSpinner("nginx", async () => {
      const started = await control(layout, "nginx", "start");
      await loadNginxConfiguration(layout, started.includes("already running"));
    }),
  ]);
  const seen = await withSpinner("worktrees", () => askDaemon<Noticed>(layout, "POST", "/v1/look"));
  const { worktrees } = seen;
  say(`\n${worktreeTable(worktrees)}\n${noticesText(seen, pc)}`);
  const chosen = worktrees.find((w) => w.default);
  const { port } = configuration.http;
  // Only a frontend answers at the root; a backend alone has an origin of its own.
  const isServed = chosen?.url === worktreeUrl(chosen?.slug ?? "", port);
  const address = isServed ? `http://localhost:${port}/` : chosen?.url;
  if (chosen) say(`  open ${pc.bold(address)} (${chosen.slug})`);
  return worktrees.some((w) => w.problems.length > 0) ? 1 : 0;
};
