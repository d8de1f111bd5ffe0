import fs from "node:fs";
import { joinRaw, listIfThere, lstatIfThere, readIfThere, toBuffer } from "../files.ts";

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
    // Relative ones (extensions.relativeWorktrees) go with the project by themselves.
    if (named?.[0] !== 0x2f) return [];
    const dotGit = moved(named, from, to) ?? named;
    const text = lstatIfThere(dotGit)?.isFile() ? readIfThere(dotGit) : undefined;
    if (!text?.toString("latin1").startsWith(GITDIR)) return [];
    const back = withoutNewline(text.subarray(GITDIR.length)) ?? Buffer.alloc(0);
    const pointsHere = moved(back, from, to)?.equals(gitDir) === true;
    if (!pointsHere) return [];
    // The worktree's own file last: a mending that is cut off is found again by it.
    if (!dotGit.equals(named)) replace(file, Buffer.concat([dotGit, NEWLINE]));
    replace(dotGit, Buffer.concat([Buffer.from(GITDIR), gitDir, NEWLINE]));
    return [name.toString()];
  });
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
