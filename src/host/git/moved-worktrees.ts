import fs from "node:fs";
import { posix } from "node:path";
import { joinRaw, listIfThere, lstatIfThere, readIfThere, toBuffer } from "../fs/files.ts";

const GITDIR = "gitdir: ";

/**
 * Has git's files name the new places after a project as a whole was renamed or
 * copied (gitrepository-layout(5)): worktrees inside it, and those outside that
 * belong to it. What `git worktree repair` does after a renaming; after a
 * copying that would (before git 2.47) take the original's worktrees away.
 *
 * @param from the old root; what pointed anywhere else is left alone
 * @returns the worktrees that were mended, by git's names
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
      // Those of a worktree that went with the project and has relative ones are right as they are.
      if (!moved(resolved(top, back), from, to)?.equals(gitDir)) continue;
      const forth = isAbsolute(named) ? dotGit : relativeTo(gitDir, dotGit);
      // The worktree's own file last: a mending that is cut off is found again by it.
      if (!forth.equals(named)) replace(file, Buffer.concat([forth, NEWLINE]));
      const backNow = isAbsolute(back) ? gitDir : relativeTo(top, gitDir);
      replace(dotGit, Buffer.concat([Buffer.from(GITDIR), backNow, NEWLINE]));
      return [name.toString()];
    }
    return [];
  });
}

/** Where a worktree's `.git` may be: a relative place (extensions.relativeWorktrees) may have moved along, or not. */
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

/** The same path below the new root; undefined when it was not below the old one. */
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
