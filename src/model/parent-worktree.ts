import type { Slug } from "./slug.ts";

/** What is known about where a branch began. */
export interface Beginning {
  /** What the branch's first log entry says it was made from: a branch's name, or `HEAD`. */
  readonly createdFrom?: string;
  /** The commit that the worktree is at. */
  readonly commit?: string;
}

/** Another worktree that it may have been made from. */
export interface Candidate {
  readonly slug: Slug;
  readonly branch?: string | undefined;
  readonly commit?: string | undefined;
  readonly isDefault: boolean;
}

/**
 * The worktree that another was made from, as far as names and commits tell: the
 * one on the branch that the new branch was created from; one at the very same
 * commit. The default worktree comes first where several fit. Undefined when only
 * history can tell.
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
