import { GitError, simpleGit } from "simple-git";
import { UserError } from "../../model/user-error.ts";
import { foreignEnvironment, gitEnvironment } from "./environment.ts";

/**
 * The person's own environment is what plain git would see, so whatever it says
 * of editors, ssh and configuration holds here too.
 */
const TRUSTED = {
  allowUnsafeAskPass: true,
  allowUnsafeConfigEnvCount: true,
  allowUnsafeConfigPaths: true,
  allowUnsafeDiffExternal: true,
  allowUnsafeEditor: true,
  allowUnsafeExec: true,
  allowUnsafeGitProxy: true,
  allowUnsafePager: true,
  allowUnsafeProtocolOverride: true,
  allowUnsafeSshCommand: true,
  allowUnsafeTemplateDir: true,
};

/**
 * What git prints, run in a directory with an array of arguments.
 *
 * @throws UserError with git's own words when it fails
 */
export function git(cwd: string, ...args: string[]): Promise<string> {
  return run(cwd, gitEnvironment(), args);
}

/**
 * The same for a command that a person could have typed: the hooks that it runs get the person's
 * language and locks, as from plain git.
 *
 * @throws UserError with git's own words, in that language
 */
export function gitAsTyped(cwd: string, ...args: string[]): Promise<string> {
  return run(cwd, foreignEnvironment(), args);
}

async function run(cwd: string, env: NodeJS.ProcessEnv, args: string[]): Promise<string> {
  try {
    const environment = definedOf(env);
    const allowEnvironment = Object.keys(environment);
    const runner = simpleGit({
      baseDir: cwd,
      trimmed: false,
      unsafe: TRUSTED,
      allowEnvironment,
      // By itself the library takes a failure without a word on standard error for success.
      errors: (error, { exitCode, stdErr }) => {
        if (exitCode === 0) return undefined;
        return error ?? Buffer.concat([...stdErr, Buffer.from(`exit status ${exitCode}`)]);
      },
    });
    return await runner.env(environment).raw(args);
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    const lines = error.message.split("\n").filter((line) => /^(fatal|error): /.test(line));
    const words = lines.join("; ") || error.message.trim();
    throw new UserError(
      `git ${args[0] === "worktree" ? `worktree ${args[1]}` : args[0]}: ${words}`,
    );
  }
}

/** True when git ends with status 0. */
export async function gitSays(cwd: string, ...args: string[]): Promise<boolean> {
  return git(cwd, ...args).then(
    () => true,
    () => false,
  );
}

function definedOf(environment: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const],
    ),
  );
}
