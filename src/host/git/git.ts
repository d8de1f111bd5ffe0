import { GitError, simpleGit } from "simple-git";
import { UserError } from "../../model/user-error.ts";
import { foreignEnvironment, gitEnvironment } from "./environment.ts";

/**
 * Lets the user's environment (editors, ssh, configuration) take effect as with plain git; simple-git would
 * refuse these variables.
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
 * Runs git in a directory and returns its standard output.
 *
 * @throws UserError with git's error messages if it fails
 */
export function git(cwd: string, ...args: string[]): Promise<string> {
  return run(cwd, gitEnvironment(), args);
}

/**
 * Runs git as if the user had typed the command: hooks that it runs get the user's language and locks.
 *
 * @throws UserError with git's error messages, in the user's language
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
      // By default simple-git takes a failure without output on stderr for success.
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

/** Tells whether git exits with status 0. */
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
