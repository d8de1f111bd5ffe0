import { commonDirOf } from "../../discovery/project.ts";
import { restoreControls } from "../../host/project/control-repair.ts";
import { projectIdentity } from "../../host/trust/approvals.ts";
import type { Layout } from "../../model/layout.ts";
import { callDaemon, DaemonAway } from "../client/daemon-client.ts";
import { type Run, requireProject } from "../context.ts";
import { withSpinner } from "../output/spinner.ts";
import { control } from "../setup/control.ts";

export const stop: Run = async ({ cwd }) => {
  await stopAll(requireProject(cwd).layout);
  return 0;
};

/** Stops all processes of a project that are running; all data is kept. */
export async function stopAll(layout: Layout): Promise<void> {
  // Run the package's own controls, whatever a checkout has put in their place.
  const commonDir = commonDirOf(layout.root);
  if (commonDir) restoreControls(layout, projectIdentity(commonDir));
  await withSpinner("services and daemon", async () => {
    try {
      await callDaemon(layout, "POST", "/v1/rest", { timeout: 15_000 });
    } catch (error) {
      if (!(error instanceof DaemonAway)) throw error;
    }
    await control(layout, "runsvdir", "stop");
  });
  await Promise.all([
    withSpinner("nginx", () => control(layout, "nginx", "stop")),
    withSpinner("Postgres", () => control(layout, "pg_ctl", "stop")),
  ]);
}
