import { execa } from "execa";
import { joinRaw, readIfThere, toBuffer } from "../host/fs/files.ts";
import { gitEnvironment } from "../host/git/environment.ts";
import { type Candidate, originByName } from "../model/parent-worktree.ts";
import type { Slug } from "../model/slug.ts";
import type { RawPath, Worktree } from "../model/worktree.ts";

/**
 * Chooses the parent of a worktree: the one whose branch it was created from, or that is at the same commit;
 * else one whose branch contains its commit; else the default worktree.
 */
export async function findParent(
  commonDir: string,
  worktree: Worktree,
  all: readonly Worktree[],
): Promise<Slug | undefined> {
  const candidates = all
    .filter((other) => other.slug !== worktree.slug && other.state === "present")
    .map((other) => new Other(commonDir, other));
  const beginning = {
    ...commitOf(commonDir, worktree),
    ...createdFrom(commonDir, worktree.branch),
  };
  const named = originByName(beginning, candidates);
  if (named !== undefined) return named;
  const containing = await containingBranches(commonDir, beginning.commit);
  const fits = candidates.filter(({ branch }) => branch !== undefined && containing.has(branch));
  return (
    fits.find(({ isDefault }) => isDefault) ??
    fits[0] ??
    candidates.find(({ isDefault }) => isDefault)
  )?.slug;
}

/** A candidate whose commit is read lazily: there may be a thousand, and mostly the first one fits. */
class Other implements Candidate {
  readonly #commonDir: string;
  readonly #worktree: Worktree;
  readonly slug: Slug;
  readonly branch: string | undefined;
  readonly isDefault: boolean;

  constructor(commonDir: string, worktree: Worktree) {
    this.#commonDir = commonDir;
    this.#worktree = worktree;
    this.slug = worktree.slug;
    this.branch = worktree.branch;
    this.isDefault = worktree.isDefault;
  }

  get commit(): string | undefined {
    return commitOf(this.#commonDir, this.#worktree).commit;
  }
}

/** Reads the first entry of a branch's reflog, such as "branch: Created from rel-05" (git-reflog(1)). */
function createdFrom(commonDir: string, branch: string | undefined): { createdFrom?: string } {
  if (branch === undefined) return {};
  const log = readIfThere(`${commonDir}/logs/refs/heads/${branch}`)?.toString() ?? "";
  const from = /\tbranch: Created from (.+)$/m.exec(log.split("\n", 1)[0] ?? "")?.[1];
  return from === undefined || from === "HEAD" ? {} : { createdFrom: from };
}

/** Reads the commit of a worktree from git's files. */
export function commitOf(commonDir: string, { gitDir }: { gitDir: RawPath }): { commit?: string } {
  const head = readIfThere(joinRaw(gitDir, "HEAD"))?.toString().trim() ?? "";
  if (/^[0-9a-f]{40,64}$/.test(head)) return { commit: head };
  const ref = head.replace(/^ref: /, "");
  if (!ref.startsWith("refs/")) return {};
  const loose = readIfThere(`${commonDir}/${ref}`)?.toString().trim();
  const commit = loose ?? packedCommit(commonDir, ref);
  return commit ? { commit } : {};
}

function packedCommit(commonDir: string, ref: string): string | undefined {
  const packed = readIfThere(`${commonDir}/packed-refs`)?.toString() ?? "";
  return packed
    .split("\n")
    .find((line) => line.endsWith(` ${ref}`))
    ?.split(" ", 1)[0];
}

async function containingBranches(
  commonDir: string,
  commit: string | undefined,
): Promise<ReadonlySet<string>> {
  if (commit === undefined) return new Set();
  const { stdout, exitCode } = await execa(
    "git",
    [
      `--git-dir=${toBuffer(commonDir)}`,
      "for-each-ref",
      "--contains",
      commit,
      "--format=%(refname:short)",
      "refs/heads",
    ],
    { reject: false, stdin: "ignore", env: gitEnvironment(), extendEnv: false },
  );
  return new Set(exitCode === 0 ? stdout.split("\n") : []);
}
