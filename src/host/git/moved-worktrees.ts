import fs from "node:fs";
import { posix } from "node:path";
import { joinRaw, listIfThere, lstatIfThere, readIfThere, toBuffer } from "../fs/files.ts";

const GITDIR = "gitdir: ";

/**
 * Updates the paths in git's files after a whole project was renamed or copied (gitrepository-layout(5)), for
 * worktrees inside it and for its worktrees elsewhere. After a rename `git worktree repair` would do the
 * same; after a copy it would (before git 2.47) take the original's worktrees away.
 *
 * @param from the old root; paths that point anywhere else are not changed
 * @returns the names (git's) of the worktrees that were repaired
 */
export function relocateWorktrees(commonDir: string, from: string, to: string): string[] {
  return listIfThere(joinRaw(commonDir, "worktrees")).flatMap((name) => {
    const gitDir = joinRaw(commonDir, "worktrees", name);
    const file = joinRaw(gitDir, "gitdir");
    const named = withoutNewline(readIfThere(file));
    if (!named || named.length === 0) return [];
    for (const dotGit of placesOf(named, gitDir, from, to)) {
      const text = lstatIfThere(dotGit)?.isFile() ? readIfThere(dotGit) : undefined;
      if (!text?.toString("latin1").startsWith(GITDIR)) continue;
      const back = withoutNewline(text.subarray(GITDIR.length)) ?? Buffer.alloc(0);
      const top = joinRaw(dotGit, "..");
      // Skips worktrees that were moved along and use relative paths, which are still right.
      if (!moved(resolved(top, back), from, to)?.equals(gitDir)) continue;
      const forth = isAbsolute(named) ? dotGit : relativeTo(gitDir, dotGit);
      // Writes the worktree's own `.git` last: an interrupted repair is detected by it.
      if (!forth.equals(named)) replace(file, Buffer.concat([forth, NEWLINE]));
      const backNow = isAbsolute(back) ? gitDir : relativeTo(top, gitDir);
      replace(dotGit, Buffer.concat([Buffer.from(GITDIR), backNow, NEWLINE]));
      return [name.toString()];
    }
    return [];
  });
}

/**
 * Returns where a worktree's `.git` may be: with extensions.relativeWorktrees it may have moved along or not.
 */
function placesOf(named: Buffer, gitDir: Buffer, from: string, to: string): Buffer[] {
  if (isAbsolute(named)) return [moved(named, from, to) ?? named];
  const before = moved(gitDir, to, from) ?? gitDir;
  return [resolved(gitDir, named), resolved(before, named)];
}

const isAbsolute = (path: Buffer) => path[0] === 0x2f;

function resolved(base: Buffer, path: Buffer): Buffer {
  return Buffer.from(posix.resolve(base.toString("latin1"), path.toString("latin1")), "latin1");
}

function relativeTo(base: Buffer, path: Buffer): Buffer {
  const text = posix.relative(posix.resolve(base.toString("latin1")), path.toString("latin1"));
  return Buffer.from(text, "latin1");
}

/** Returns the path below the new root, or undefined if it was not below the old one. */
function moved(path: Buffer, from: string, to: string): Buffer | undefined {
  const before = toBuffer(`${from === "/" ? "" : from}/`);
  if (!path.subarray(0, before.length).equals(before)) return undefined;
  return Buffer.concat([toBuffer(`${to === "/" ? "" : to}/`), path.subarray(before.length)]);
}

function replace(path: Buffer, content: Buffer): void {
  const temporary = Buffer.concat([path, Buffer.from(".ikigai-tmp")]);
  fs.writeFileSync(temporary, content);
  fs.renameSync(temporary, path);
}

function withoutNewline(bytes: Buffer | undefined): Buffer | undefined {
  return bytes?.at(-1) === 0x0a ? bytes.subarray(0, -1) : bytes;
}

const NEWLINE = Buffer.from("\n");
