import type { Project } from "../../discovery/project.ts";
import { namedWorktree } from "../../discovery/worktree-names.ts";
import { worktreeOfDirectory } from "../../discovery/worktree-of-directory.ts";
import { readWorktrees } from "../../discovery/worktrees.ts";
import { readIfThere } from "../../host/fs/files.ts";
import { ownerSocketDirectory } from "../../host/net/socket-path.ts";
import { ownerDirectory, readOwnerPassword } from "../../host/postgres/owner.ts";
import { isOwnerOverTcp } from "../../host/project/shell-settings.ts";
import { projectIdentity } from "../../host/trust/approvals.ts";
import { ownerUrl } from "../../model/environment-variables.ts";
import { environmentPath } from "../../model/envrc.ts";
import { printableJson } from "../../model/printable.ts";
import { UserError } from "../../model/user-error.ts";
import { type Run, requireProject } from "../context.ts";

/** Prints the environment of a worktree (default: this directory's), for `eval` or as JSON. */
export const env: Run = async ({ cwd, out }, [name], options) => {
  const project = requireProject(cwd);
  if (options.owner) return ownerLine(project, out, options.json === true);
  const slug =
    name === undefined
      ? worktreeOfDirectory(project, cwd)?.slug
      : namedWorktree(readWorktrees(project.commonDir), name, cwd).slug;
  const text = readIfThere(environmentPath(project.layout, slug))?.toString();
  if (text === undefined) {
    throw new UserError(`${slug ?? "This directory"} has no environment yet.`, "ikigai start");
  }
  out(options.json ? printableJson(variablesIn(text)) : text);
  return 0;
};

/** Prints the owner's connection URI with password, for clients that do not read the environment. */
async function ownerLine(
  { layout, commonDir }: Project,
  out: (text: string) => void,
  json: boolean,
): Promise<number> {
  const { PGPORT = "" } = variablesIn(readIfThere(environmentPath(layout))?.toString() ?? "");
  const password = readOwnerPassword(ownerDirectory(projectIdentity(commonDir)));
  if (password === "" || PGPORT === "") {
    throw new UserError("The database's owner has no password yet.", "ikigai start");
  }
  const postgresPort = Number(PGPORT);
  const socketDirectory = ownerSocketDirectory(layout, postgresPort);
  const tcp = isOwnerOverTcp(layout);
  const url = ownerUrl({ postgresPort, socketDirectory }, { password, tcp });
  out(json ? printableJson({ DATABASE_URL: url }) : `${url}\n`);
  return 0;
}

/** Parses the variables of a file rendered by `environmentFile`. */
function variablesIn(text: string): Record<string, string> {
  const found = text.matchAll(/^export ([A-Z_a-z0-9]+)=((?:'[^']*'|\\')+)$/gm);
  return Object.fromEntries(
    [...found].map(([, key, value = ""]) => [
      key,
      value.replaceAll("'\\''", "\0").replaceAll("'", "").replaceAll("\0", "'"),
    ]),
  );
}
