import type { Slug } from "./slug.ts";

/** What is known about the start of a branch. */
export interface Beginning {
  /** What the first entry of the branch's reflog says it was created from: a branch name, or `HEAD`. */
  readonly createdFrom?: string;
  /** The commit that the worktree has checked out. */
  readonly commit?: string;
}

/** A worktree that may be the parent. */
export interface Candidate {
  readonly slug: Slug;
  readonly branch?: string | undefined;
  readonly commit?: string | undefined;
  readonly isDefault: boolean;
}

/**
 * Chooses the parent worktree by names and commits: one on the branch that the new branch was created from,
 * else one at the same commit. Prefers the default worktree. Undefined if only the history can tell.
 */
export function originByName(
  beginning: Beginning,
  candidates: readonly Candidate[],
): Slug | undefined {
  const inOrder = [
    ...candidates.filter(({ isDefault }) => isDefault),
    ...candidates.filter(({ isDefault }) => !isDefault),
  ];
  const named = beginning.createdFrom?.replace(/^refs\/(heads|remotes\/[^/]+)\//, "");
  const byBranch = inOrder.find(({ branch }) => branch !== undefined && branch === named);
  if (byBranch) return byBranch.slug;
  const { commit } = beginning;
  return commit === undefined
    ? undefined
    : inOrder.find((candidate) => candidate.commit === commit)?.slug;
}
