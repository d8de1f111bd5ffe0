import { byDirectory } from "../facts/here.ts";
import { namedWorktree } from "../facts/named.ts";
import { readWorktrees } from "../facts/worktrees.ts";
import { readIfThere } from "../host/files.ts";
import { environmentPath } from "../model/envrc.ts";
import { printableJson } from "../model/printable.ts";
import { UserError } from "../model/user-error.ts";
import { type Run, requireProject } from "./command.ts";

/** The environment of a worktree (that of this directory unless named), for `eval` or as JSON. */
export const env: Run = async ({ cwd, out }, [name], options) => {
  const project = requireProject(cwd);
  const slug =
    name === undefined
      ? byDirectory(project, cwd)?.slug
      : namedWorktree(readWorktrees(project.commonDir), name, cwd).slug;
  const text = readIfThere(environmentPath(project.layout, slug))?.toString();
  if (text === undefined) {
    throw new UserError(
      `There is no environment for ${slug ?? "this directory"} yet.`,
      "ikigai start",
    );
  }
  out(options.json ? printableJson(variablesIn(text)) : text);
  return 0;
};

/** The variables of a file that `environmentFile` rendered. */
function variablesIn(text: string): Record<string, string> {
  const found = text.matchAll(/^export ([A-Z_a-z0-9]+)=((?:'[^']*'|\\')+)$/gm);
  return Object.fromEntries(
    [...found].map(([, key, value = ""]) => [
      key,
      value.replaceAll("'\\''", "\0").replaceAll("'", "").replaceAll("\0", "'"),
    ]),
  );
}
