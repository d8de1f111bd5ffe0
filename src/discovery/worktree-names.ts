import { isUtf8 } from "node:buffer";
import { resolve } from "node:path";
import { toBuffer } from "../host/fs/files.ts";
import { nearestName } from "../model/nearest-name.ts";
import { printable } from "../model/printable.ts";
import { UnknownName, UserError } from "../model/user-error.ts";
import type { Worktree } from "../model/worktree.ts";

/**
 * Finds a worktree by slug, git's name, branch or path, in this order.
 *
 * @param cwd the base of relative paths
 * @throws UnknownName when there is none; UserError when the name is ambiguous
 */
export function namedWorktree<W extends Worktree>(
  worktrees: readonly W[],
  name: string,
  cwd: string,
): W {
  const found = findNamed(worktrees, name, cwd);
  if (found) return found;
  throw unknownWorktree(worktrees, name);
}

/**
 * Finds a worktree, or a worktree and a service (`WORKTREE/SERVICE`); branch names may contain slashes too.
 *
 * @throws UnknownName when there is no such worktree; UserError when the name is ambiguous
 */
export function namedTarget<W extends Worktree>(
  worktrees: readonly W[],
  target: string,
  cwd: string,
): { readonly worktree: W; readonly service: string | undefined } {
  const whole = findNamed(worktrees, target, cwd);
  if (whole) return { worktree: whole, service: undefined };
  const slash = target.lastIndexOf("/");
  const [first, service] = [target.slice(0, slash), target.slice(slash + 1)];
  const worktree = slash > 0 ? findNamed(worktrees, first, cwd) : undefined;
  if (worktree) return { worktree, service };
  const isService = slash > 0 && nearestWorktree(worktrees, first) !== undefined;
  throw unknownWorktree(worktrees, isService ? first : target);
}

function findNamed<W extends Worktree>(
  worktrees: readonly W[],
  name: string,
  cwd: string,
): W | undefined {
  const path = resolve(cwd, name);
  const ways: ((w: W) => boolean)[] = [
    (w) => w.slug === name,
    (w) => w.name === name,
    (w) => w.branch === name,
    (w) => w.path.length > 0 && toBuffer(w.path).toString() === path,
  ];
  for (const way of ways) {
    const found = worktrees.filter(way);
    if (found.length > 1) {
      throw new UserError(
        `${printable(name)} is ambiguous: ${found.map((w) => w.slug).join(" or ")}.`,
        "ikigai wt list",
      );
    }
    if (found[0]) return found[0];
  }
  return undefined;
}

function unknownWorktree(worktrees: readonly Worktree[], name: string): UnknownName {
  const nearest = nearestWorktree(worktrees, name);
  const meant = nearest === undefined ? "." : `; did you mean ${printable(nearest)}?`;
  return new UnknownName(`There is no worktree ${printable(name)}${meant}`, "ikigai wt list");
}

function nearestWorktree(worktrees: readonly Worktree[], name: string): string | undefined {
  const known = worktrees.flatMap((w) => [w.slug, w.name, ...(w.branch ? [w.branch] : [])]);
  return nearestName(name, known);
}

/**
 * Returns the path of a worktree as text, for an argument of git.
 *
 * @throws UserError when it is not valid UTF-8, which cannot be passed as an argument
 */
export function topOf(worktree: Worktree): string {
  if (isUtf8(worktree.path)) return toBuffer(worktree.path).toString();
  throw new UserError(
    `The path of ${worktree.slug} is not valid UTF-8, so ikigai cannot pass it to git.`,
    "cd there and use git worktree",
  );
}
