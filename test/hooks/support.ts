import { readdirSync, readFileSync, readlinkSync, renameSync } from "node:fs";
import { chmod, mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { readWorktrees } from "../../src/discovery/worktrees.ts";
import { runsConfiguredHooks } from "../../src/host/git/hook/in-config.ts";
import {
  type HookReport,
  type HookRepository,
  installHook,
  removeHook,
} from "../../src/host/git/hook/installation.ts";

/** Whether this machine's git runs hooks that are named in its configuration. */
export const gitRunsConfigured = runsConfiguredHooks((await execa("git", ["version"])).stdout);

/** The ways in which git can run our hook here; every git runs hook files. */
export const mechanisms = gitRunsConfigured
  ? (["hook file", "configuration"] as const)
  : (["hook file"] as const);
export type Mechanism = (typeof mechanisms)[number];

/** The version of a git that has hook files only: with it, ikigai writes those. */
export const OLD_GIT = "git version 2.53.0";

export type Shape = "bare" | "dot-bare" | "clone";

/** A repository with one commit and a separate home, without a daemon. */
export interface Sandbox extends AsyncDisposable {
  /** The temporary directory around it. */
  readonly base: string;
  readonly root: string;
  readonly commonDir: string;
  /** The first worktree. */
  readonly main: string;
  readonly env: NodeJS.ProcessEnv;
  run(
    command: string,
    args: readonly string[],
    options?: { cwd?: string; env?: NodeJS.ProcessEnv },
  ): Promise<Ended>;
  /** Throws when git fails. */
  git(cwd: string, ...args: string[]): Promise<string>;
  repository(): HookRepository;
  install(): Promise<HookReport>;
  remove(): Promise<void>;
}

/** Returns the path of the script that git runs in a sandbox. */
export const scriptOf = ({ commonDir }: Sandbox): string =>
  join(commonDir, gitRunsConfigured ? "" : "hooks", "ikigai-hook");

/** Like `makeSandbox`, but ikigai installs hook files, as for an older git. */
export const makeFileSandbox = (shape?: Shape): Promise<Sandbox> =>
  makeSandbox(shape, undefined, "hook file");

export interface Ended {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * @param mechanism how ikigai installs its hook; by default as for this machine's git
 *   out.
 */
export async function makeSandbox(
  shape: Shape = "clone",
  name = "project",
  mechanism?: Mechanism,
): Promise<Sandbox> {
  const base = await realpath(await mkdtemp(join(tmpdir(), "iki-")));
  const root = join(base, name);
  const env = environment(base);
  await write(join(base, "home/.gitconfig"), "[user]\n\tname = Test\n\temail = test@example.com\n");
  const run: Sandbox["run"] = async (command, args, options = {}) => {
    const result = await execa(command, args, {
      cwd: options.cwd ?? root,
      env: { ...env, ...options.env },
      extendEnv: false,
      reject: false,
      stdin: "ignore",
      timeout: 60_000,
    });
    return { exitCode: result.exitCode, stdout: result.stdout, stderr: result.stderr };
  };
  const git: Sandbox["git"] = async (cwd, ...args) => {
    const { exitCode, stdout, stderr } = await run("git", args, { cwd });
    if (exitCode !== 0) throw new Error(`git ${args.join(" ")}: ${stderr}`);
    return stdout;
  };
  const { commonDir, main } = await makeRepository(root, shape, git);
  await mkdir(join(root, ".ikigai"));
  await write(join(commonDir, "info/exclude"), "/.ikigai\n");
  const old = mechanism === "hook file" ? { gitVersion: OLD_GIT } : {};
  const repository = () => ({ commonDir, worktrees: readWorktrees(commonDir), env, ...old });
  return {
    ...{ base, root, commonDir, main, env, run, git, repository },
    install: () => installHook(repository()),
    remove: () => removeHook(repository()),
    [Symbol.asyncDispose]: () => rm(base, { recursive: true, force: true, maxRetries: 3 }),
  };
}

function environment(base: string): NodeJS.ProcessEnv {
  const foreign = /^(GIT_|XDG_|HUSKY|LEFTHOOK|PRE_COMMIT|npm_|VITEST|NODE_|CI$)/;
  const kept = Object.entries(process.env).filter(([key]) => !foreign.test(key));
  const home = join(base, "home");
  // Equal commits have equal names in two sandboxes.
  const dates = { GIT_AUTHOR_DATE: "@1700000000 +0000", GIT_COMMITTER_DATE: "@1700000000 +0000" };
  return { ...Object.fromEntries(kept), ...dates, HOME: home, GIT_CONFIG_NOSYSTEM: "1" };
}

async function makeRepository(
  root: string,
  shape: Shape,
  git: Sandbox["git"],
): Promise<{ commonDir: string; main: string }> {
  const seed = shape === "clone" ? root : join(root, "seed");
  await write(join(seed, "app.txt"), "one\n");
  await git(seed, "init", "--quiet", "--initial-branch=main");
  await git(seed, "add", ".");
  await git(seed, "commit", "--quiet", "--message=First");
  if (shape === "clone") return { commonDir: join(root, ".git"), main: root };
  const commonDir = join(root, shape === "bare" ? ".git" : ".bare");
  await git(root, "clone", "--quiet", "--bare", "seed", commonDir);
  if (shape === "dot-bare") await write(join(root, ".git"), "gitdir: ./.bare\n");
  await rm(seed, { recursive: true });
  await git(root, "worktree", "add", "--quiet", "main");
  return { commonDir, main: join(root, "main") };
}

export async function write(path: string, text: string, mode = 0o644): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text, "latin1");
  await chmod(path, mode);
}

/** What a process that called the daemon looked like while it waited. */
export interface Caller {
  readonly environment: readonly string[];
  /** What its descriptors from 3 on refer to, except for sockets. */
  readonly descriptors: readonly string[];
  readonly standard: readonly string[];
}

/** Listens in the daemon's place and records the requests. */
export interface Listener extends AsyncDisposable {
  /** The bodies, latin1. */
  readonly told: string[];
  readonly callers: Caller[];
  /** Unanswered requests whose connection is still open. */
  readonly pending: () => number;
}

/**
 * @param hang accept requests, but never answer.
 */
export async function listen(root: string, { hang = false } = {}): Promise<Listener> {
  const told: string[] = [];
  const callers: Caller[] = [];
  let pending = 0;
  const server = createServer((request, response) => {
    let body = "";
    pending += 1;
    response.on("close", () => {
      pending -= 1;
    });
    request.setEncoding("latin1");
    request.on("data", (part: string) => {
      body += part;
    });
    request.on("end", () => {
      if (request.method !== "POST" || request.url !== "/v1/hook")
        body = `${request.method} ${request.url}`;
      callers.push(...lookAt(body));
      told.push(body);
      if (!hang) response.writeHead(204).end();
    });
  });
  await bind(server, root);
  return {
    ...{ told, callers, pending: () => pending },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(join(root, ".ikigai/daemon.sock"), { force: true });
    },
  };
}

/** Bound at a short path and moved, as unix(7) allows 108 bytes only. */
async function bind(server: Server, root: string): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "iki-s-"));
  const short = join(directory, "s");
  await new Promise<void>((resolve) => server.listen(short, resolve));
  renameSync(short, join(root, ".ikigai/daemon.sock"));
  await rm(directory, { recursive: true });
}

/** Lists processes that have a request's body in their arguments. */
function lookAt(body: string): Caller[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const argv = readFileSync(`/proc/${pid}/cmdline`, "latin1").split("\0");
        if (!argv.includes(body) || !argv.includes("--data-raw")) return [];
        const open = readdirSync(`/proc/${pid}/fd`).map(
          (fd) => [Number(fd), readlinkSync(`/proc/${pid}/fd/${fd}`)] as const,
        );
        const environment = readFileSync(`/proc/${pid}/environ`, "latin1").split("\0");
        const standard = open.filter(([fd]) => fd < 3).map(([, target]) => target);
        const descriptors = open
          .filter(([fd, target]) => fd > 2 && !target.startsWith("socket:"))
          .map(([, target]) => target);
        return [{ environment, descriptors, standard }];
      } catch {
        return [];
      }
    });
}
