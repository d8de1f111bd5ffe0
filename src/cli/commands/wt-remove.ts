import { realpathSync } from "node:fs";
import type { Project } from "../../discovery/project.ts";
import { namedWorktree, topOf } from "../../discovery/worktree-names.ts";
import { worktreeHolding } from "../../discovery/worktree-of-directory.ts";
import { readWorktrees } from "../../discovery/worktrees.ts";
import { gitAsTyped } from "../../host/git/git.ts";
import { describeLoss, lossOf } from "../../host/git/unsaved-work.ts";
import type { Layout } from "../../model/layout.ts";
import { localTime } from "../../model/local-time.ts";
import { printable } from "../../model/printable.ts";
import type { RetiredReport } from "../../model/reports.ts";
import type { Slug } from "../../model/slug.ts";
import { UserError } from "../../model/user-error.ts";
import type { Worktree } from "../../model/worktree.ts";
import { askDaemon, callDaemon, DaemonAway } from "../client/daemon-client.ts";
import { type Run, requireProject } from "../context.ts";
import { changeTo, homeOf } from "../working-directory.ts";

/** Runs plain `git worktree remove` after checking that no work would be lost. */
export const wtRemove: Run = async ({ cwd, say }, [name = ""], options) => {
  const project = requireProject(cwd);
  const worktree = namedWorktree(readWorktrees(project.commonDir), name, cwd);
  const force = options.force === true;
  refuseFixed(worktree);
  if (!force) {
    const losses = worktree.state === "present" ? describeLoss(await lossOf(worktree)) : [];
    if (losses.length > 0) {
      throw new UserError(
        `Removing ${worktree.slug} would lose ${losses.map(printable).join(", ")}.`,
        `ikigai wt remove ${worktree.slug} --force, or save them first`,
      );
    }
  }
  const began = Date.now();
  const wasInside = worktreeHolding([worktree], realpathSync(cwd)) !== undefined;
  await removeWorktree(project, worktree, force);
  if (wasInside) {
    say(`  your current directory was removed; next: ${changeTo(homeOf(project.layout.root))}`);
  }
  say(`  removed ${worktree.slug}; ${await whatIsKept(project.layout, worktree.slug, began)}`);
  return 0;
};

/** Says what happened to the worktree's data, as far as that is known. */
async function whatIsKept(layout: Layout, slug: Slug, began: number): Promise<string> {
  try {
    const answer = await askDaemon<{ retired: RetiredReport[] }>(layout, "GET", "/v1/retired");
    // Data of an earlier worktree of this name was retired earlier.
    const kept = answer.retired.find(
      ({ name, since }) => name === slug && Date.parse(since) >= began,
    );
    if (!kept) return "its schema was empty, so there is no data to keep";
    return `its data is kept until ${localTime(kept.goes)}: ikigai wt restore ${kept.schema} --into WORKTREE`;
  } catch (error) {
    if (error instanceof DaemonAway)
      return "ikigai is not running: its data, if any, is retired at the next start";
    return "its data, if any, is retired as soon as Postgres answers";
  }
}

/**
 * Refuses worktrees that git does not remove, even with force.
 *
 * @throws UserError
 */
function refuseFixed({ isMain, slug, locked }: Worktree): void {
  if (isMain) throw new UserError(`${slug} is the main worktree; git cannot remove it.`);
  if (locked === undefined) return;
  const reason = locked === "" ? "" : ` (${printable(locked)})`;
  throw new UserError(`${slug} is locked${reason}.`, `git worktree unlock ${slug}`);
}

/** Runs `git worktree remove` from outside the worktree, and waits until the daemon has reconciled. */
export async function removeWorktree(
  { layout, commonDir }: Project,
  worktree: Worktree,
  force: boolean,
): Promise<void> {
  // The current directory may be in the worktree that is removed.
  process.chdir(layout.root);
  await gitAsTyped(
    commonDir,
    "worktree",
    "remove",
    ...(force ? ["--force"] : []),
    "--",
    topOf(worktree),
  );
  await followed(layout);
}

/**
 * Waits until the daemon has reconciled, without starting any service; returns at once if it is not running.
 */
export async function followed(layout: Layout): Promise<void> {
  try {
    await callDaemon(layout, "POST", "/v1/look?brief", { timeout: 60_000 });
  } catch (error) {
    if (!(error instanceof DaemonAway)) throw error;
  }
}
