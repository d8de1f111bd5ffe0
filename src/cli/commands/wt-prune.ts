import { isUtf8 } from "node:buffer";
import { type OpenProject, openProject } from "../../discovery/open-project.ts";
import type { Project } from "../../discovery/project.ts";
import { joinRaw, statIfThere } from "../../host/fs/files.ts";
import { gitAsTyped, gitSays } from "../../host/git/git.ts";
import { describeLoss, lossOf } from "../../host/git/unsaved-work.ts";
import { formatDuration, parseDuration } from "../../model/duration.ts";
import { printable, printableJson } from "../../model/printable.ts";
import { UsageError, UserError } from "../../model/user-error.ts";
import type { Worktree } from "../../model/worktree.ts";
import { type Run, requireProject, textOption } from "../context.ts";
import { plainTable } from "../output/plain-table.ts";
import { followed, removeWorktree } from "./wt-remove.ts";

/** A worktree that would be removed (`goes`), or is kept; `why` explains either. */
interface Candidate {
  readonly worktree: Worktree;
  readonly why: string;
  readonly goes: boolean;
}

/**
 * Removes worktrees whose directory is missing and, with `--merged`, those whose branch is merged into
 * the default branch. Without `--yes` it only shows them.
 */
export const wtPrune: Run = async ({ cwd, out, say }, _, options) => {
  const project = await openProject(requireProject(cwd));
  const age = parseDuration(textOption(options, "minAge") ?? "7d");
  if (age === undefined) {
    throw new UsageError(
      "--min-age must be a duration such as 12h or 7d.",
      "ikigai wt prune --min-age 7d",
    );
  }
  const candidates = await candidatesOf(project, options.merged === true, age);
  const going = candidates.filter(({ goes }) => goes);
  if (options.yes) {
    for (const { worktree } of going.filter((c) => c.worktree.state === "present")) {
      await removeWorktree(project, worktree, false);
    }
    if (going.some((c) => c.worktree.state === "gone")) {
      await gitAsTyped(project.commonDir, "worktree", "prune");
      await followed(project.layout);
    }
  }
  if (options.json) {
    const list = candidates.map(({ worktree, why, goes }) => ({ name: worktree.slug, why, goes }));
    out(printableJson({ removed: options.yes === true, worktrees: list }));
    return 0;
  }
  const word = options.yes ? "removed" : "would be removed";
  const rows = candidates.map(({ worktree, why, goes }) => [
    worktree.slug,
    goes ? word : "kept",
    printable(why),
  ]);
  out(rows.length > 0 ? `${plainTable(["WORKTREE", "", "WHY"], rows)}\n` : "  nothing to prune\n");
  if (going.length > 0 && !options.yes) {
    const merged = options.merged ? " --merged" : "";
    const limit = textOption(options, "minAge");
    say(`  next: ikigai wt prune${merged}${limit ? ` --min-age ${limit}` : ""} --yes`);
  }
  return 0;
};

async function candidatesOf(
  project: OpenProject,
  merged: boolean,
  age: number,
): Promise<Candidate[]> {
  const { worktrees, defaultWorktree } = project;
  const gone = worktrees
    .filter((w) => w.state === "gone")
    .map((worktree) => ({ worktree, why: "its directory is missing", goes: true }));
  if (!merged) return gone;
  const into = defaultWorktree?.branch;
  if (into === undefined)
    throw new UserError("The default worktree is on no branch, so nothing can be merged into it.");
  const finished: Candidate[] = [];
  for (const worktree of worktrees) {
    const found = await judge(project, worktree, into, age);
    if (found) finished.push(found);
  }
  return [...gone, ...finished];
}

/**
 * Judges one worktree; undefined for those never pruned: the main one, the default one, and unmerged ones.
 */
async function judge(
  { commonDir }: Project,
  worktree: Worktree,
  into: string,
  minAge: number,
): Promise<Candidate | undefined> {
  const { isMain, isDefault, branch, state, locked } = worktree;
  if (isMain || isDefault || branch === undefined || state !== "present") return undefined;
  const [head, base] = [`refs/heads/${branch}`, `refs/heads/${into}`];
  if (!(await gitSays(commonDir, "merge-base", "--is-ancestor", head, base))) return undefined;
  const stays = (why: string): Candidate => ({ worktree, why, goes: false });
  if (locked !== undefined) return stays(`locked${locked === "" ? "" : `: ${locked}`}`);
  const age = Date.now() - lastActivity(worktree);
  if (age < minAge) return stays(`used within the last ${formatDuration(minAge)}`);
  if (!isUtf8(worktree.path)) return stays("its path is not valid UTF-8; use git worktree remove");
  const losses = describeLoss(await lossOf(worktree));
  if (losses.length > 0) return stays(`has ${losses.join(", ")}`);
  return { worktree, why: `${branch} is merged into ${into}`, goes: true };
}

/** Returns when the last commit, checkout or staging happened here, in milliseconds since the epoch. */
function lastActivity({ gitDir }: Worktree): number {
  const times = ["HEAD", "index", "logs/HEAD", "ORIG_HEAD"].map((name) =>
    Number(statIfThere(joinRaw(gitDir, name))?.mtimeMs ?? 0),
  );
  return Math.max(...times);
}
