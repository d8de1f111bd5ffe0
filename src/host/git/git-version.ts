import { execa } from "execa";
import { gitEnvironment } from "./environment.ts";
import { stampOf } from "./hook/config.ts";

let known: { stamp: string; version: Promise<string> } | undefined;

/**
 * Returns the output of `git version`; runs it again only after a git on PATH was installed, upgraded or
 * removed.
 */
export function askGitVersion(env: NodeJS.ProcessEnv): Promise<string> {
  const stamp = (env.PATH ?? "").split(":").map(stampOfGit).join(":");
  if (known?.stamp === stamp) return known.version;
  const version = execa("git", ["version"], { env: gitEnvironment(env), extendEnv: false })
    .then(({ stdout }) => stdout)
    .catch((error: unknown) => {
      known = undefined;
      throw error;
    });
  known = { stamp, version };
  return version;
}

function stampOfGit(directory: string): string {
  try {
    return `${directory} ${stampOf([`${directory}/git`])}`;
  } catch {
    // Not accessible, so PATH lookup skips it too.
    return directory;
  }
}
