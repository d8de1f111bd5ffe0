import { setTimeout } from "node:timers/promises";
import { packageFile, programDigest } from "../../host/project/package-file.ts";
import type { Layout } from "../../model/layout.ts";
import { UserError } from "../../model/user-error.ts";
import { askDaemon } from "../client/daemon-client.ts";
import { control } from "./control.ts";

const PATIENCE_MS = 15_000;
const PAUSE_MS = 50;

/**
 * Restarts a daemon that was started from another program than the one installed now, and waits for
 * its successor. Services, nginx and Postgres run on.
 *
 * @throws UserError when no daemon of this program answers in time
 */
export async function replaceOutdatedDaemon(layout: Layout): Promise<void> {
  const own = programDigest(packageFile("dist/daemon.js"));
  if ((await runningProgram(layout)) === own) return;
  await control(layout, "sv", "restart", `${layout.sv}/daemon`);
  const deadline = performance.now() + PATIENCE_MS;
  while ((await runningProgram(layout)) !== own) {
    if (performance.now() > deadline) {
      throw new UserError(
        `The daemon of this version has not answered for ${PATIENCE_MS / 1_000} s.`,
        `tail -n 50 '${layout.logs}/daemon/current'`,
      );
    }
    await setTimeout(PAUSE_MS);
  }
}

/** Undefined while no daemon answers, and for one of a version that does not tell. */
async function runningProgram(layout: Layout): Promise<string | undefined> {
  try {
    return (await askDaemon<{ program?: string }>(layout, "GET", "/v1/health")).program;
  } catch {
    return undefined;
  }
}
