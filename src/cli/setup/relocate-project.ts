import fs from "node:fs";
import { execa } from "execa";
import type { Project } from "../../discovery/project.ts";
import { linkAtomically, listIfThere } from "../../host/fs/files.ts";
import { relocateWorktrees } from "../../host/git/moved-worktrees.ts";
import {
  isServed,
  linkedData,
  linkedOutside,
  outsideData,
} from "../../host/postgres/data-directory.ts";
import {
  detectRelocation,
  type Location,
  originalIsThere,
  recordLocation,
} from "../../host/project/location.ts";
import { isSupervisorAlive } from "../../host/runit/runsvdir.ts";
import { stopDeletedTree, stopMovedTree } from "../../host/runit/stale-tree.ts";
import type { Layout } from "../../model/layout.ts";
import { UserError } from "../../model/user-error.ts";
import { callDaemon } from "../client/daemon-client.ts";
import { withSpinner } from "../output/spinner.ts";

/**
 * Detects that the whole project was moved or copied, or that `.ikigai` was deleted, and fixes the paths
 * that a start does not rewrite anyway.
 *
 * @throws UserError when the copy cannot have a database of its own yet
 */
export async function relocateProject({ layout, commonDir }: Project): Promise<void> {
  const arrival = detectRelocation(layout);
  // Processes outlive the deletion of their directory and keep its ports.
  if (arrival.kind === "new" && (await isAbandoned(layout)))
    await stopDeletedTree(layout, linkedData(layout));
  if (!("from" in arrival)) return;
  const { kind, from } = arrival;
  await withSpinner(`the project was ${kind} here from ${from.root}`, async () => {
    if (kind === "moved") await endAllStrays(layout, from);
    else await separateDatabase(layout, from);
    relocateWorktrees(commonDir, from.root, layout.root);
  });
  // A copy's location is recorded by the daemon, once it has adopted the schemas it found by name.
  if (kind === "moved") recordLocation(layout);
}

/**
 * Tells whether processes may run that no control finds: `run` is missing, or neither runsvdir nor daemon
 * answers.
 */
async function isAbandoned(layout: Layout): Promise<boolean> {
  if (!fs.existsSync(layout.run)) return true;
  if (isSupervisorAlive(layout)) return false;
  return callDaemon(layout, "GET", "/v1/health", { timeout: ANSWER_MS }).then(
    () => false,
    () => true,
  );
}

const ANSWER_MS = 2_000;

async function endAllStrays(layout: Layout, { root, before }: Location): Promise<void> {
  for (const name of [root, before]) {
    // Processes under the current path are found by the controls.
    if (name !== undefined && name !== layout.root) await stopMovedTree(layout, name);
  }
}

/**
 * Copies the data directory for a copied project: root's Postgres keeps it outside, so both would share it.
 */
async function separateDatabase(layout: Layout, original: Location): Promise<void> {
  const shared = linkedOutside(layout);
  const own = outsideData(layout.root);
  if (shared === undefined || shared === own || !originalIsThere(original)) return;
  if (isServed(shared)) {
    throw new UserError(
      `This project is a copy of ${original.root}, whose Postgres is running on the data directory that both share, ${shared}.`,
      `'${original.root}/.ikigai/bin/pg_ctl' stop, then ikigai start here`,
    );
  }
  const home = own.slice(0, own.lastIndexOf("/"));
  fs.mkdirSync(home, { recursive: true, mode: 0o711 });
  if (listIfThere(own).length > 0) {
    throw new UserError(`This copy needs its own data directory, but ${own} is not empty.`);
  }
  await execa("cp", ["-a", "--", shared, `${own}.copying`]);
  fs.rmSync(own, { recursive: true, force: true });
  fs.renameSync(`${own}.copying`, own);
  linkAtomically(own, layout.db);
}
