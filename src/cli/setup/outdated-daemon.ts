import { setTimeout } from "node:timers/promises";
import { packageFile, programDigest } from "../../host/project/package-file.ts";
import type { Layout } from "../../model/layout.ts";
import { UserError } from "../../model/user-error.ts";
import { askDaemon } from "../client/daemon-client.ts";
import { control } from "./control.ts";

const PATIENCE_MS = 15_000;
const PAUSE_MS = 50;

/**
 * Restarts the daemon if it runs another build than the installed one, and waits for the new one.
 * Services, nginx and Postgres keep running.
 *
 * @throws UserError when the new daemon does not answer in time
 */
export async function replaceOutdatedDaemon(layout: Layout): Promise<void> {
  const own = programDigest(packageFile("dist/daemon.js"));
  if ((await runningProgram(layout)) === own) return;
  await control(layout, "sv", "restart", `${layout.sv}/daemon`);
  const deadline = performance.now() + PATIENCE_MS;
  while ((await runningProgram(layout)) !== own) {
    if (performance.now() > deadline) {
      throw new UserError(
        `The daemon of this version did not answer within ${PATIENCE_MS / 1_000} s.`,
        `tail -n 50 '${layout.logs}/daemon/current'`,
      );
    }
    await setTimeout(PAUSE_MS);
  }
}

/**
 * Returns the digest of the running daemon's program; undefined if it does not answer or does not report one.
 */
async function runningProgram(layout: Layout): Promise<string | undefined> {
  try {
    return (await askDaemon<{ program?: string }>(layout, "GET", "/v1/health")).program;
  } catch {
    return undefined;
  }
}
