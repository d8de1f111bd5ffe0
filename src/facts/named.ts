import { isUtf8 } from "node:buffer";
import { resolve } from "node:path";
import { toBuffer } from "../host/files.ts";
import { printable } from "../model/printable.ts";
import { UserError } from "../model/user-error.ts";
import type { Worktree } from "../model/worktree.ts";

/**
 * The worktree that a person means: by slug, git's name, branch or path, in this order.
 *
 * @throws UserError when there is none, or a branch's name stands for several
 */
export function namedWorktree<W extends Worktree>(
  worktrees: readonly W[],
  name: string,
  cwd: string,
): W {
  const path = resolve(cwd, name);
  const ways: ((w: W) => boolean)[] = [
    (w) => w.slug === name,
    (w) => w.name === name,
    (w) => w.branch === name,
    (w) => toBuffer(w.path).toString() === path,
  ];
  for (const way of ways) {
    const found = worktrees.filter(way);
    if (found.length > 1) {
      throw new UserError(
        `${printable(name)} stands for ${found.map((w) => w.slug).join(" and ")}.`,
        "ikigai wt list",
      );
    }
    if (found[0]) return found[0];
  }
  throw new UserError(`There is no worktree ${printable(name)}.`, "ikigai wt list");
}

/**
 * A worktree's top as text, for an argument of git.
 *
 * @throws UserError where its bytes are no UTF-8, which no argument of ours can hold
 */
export function topOf(worktree: Worktree): string {
  if (isUtf8(worktree.path)) return toBuffer(worktree.path).toString();
  throw new UserError(
    `The path of ${worktree.slug} is not UTF-8, so ikigai cannot name it to git.`,
    "cd there and use git worktree yourself",
  );
}
