import { existsSync } from "node:fs";
import { mkdir, mkdtemp, realpath, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { endAll, processesOf } from "../../scripts/processes.js";
import { removeProject } from "../../scripts/remove.js";
import type { ConfigurationInput } from "../../src/model/configuration/configuration.ts";
import { type Answer, ask, type Request } from "./http.ts";
import { type PortReservation, reservePort } from "./ports.ts";
import { makeRepository, type RepositoryLayout } from "./repository.ts";

export interface ProjectOptions {
  readonly layout?: RepositoryLayout;
  /** The project directory's name; "project" by default. */
  readonly name?: string;
  /** "tiny" (Node, no dependencies), "notes" (Deno and Postgres) or another path in fixtures/. */
  readonly app?: string;
  /** Files that replace or extend the app's, by path in a worktree. */
  readonly files?: Readonly<Record<string, string>>;
  /** Further worktrees, each on a branch of its name that says "Hello from NAME". */
  readonly worktrees?: readonly string[];
  /** Such branches without a worktree, for the test to add. */
  readonly branches?: readonly string[];
  /** Configuration besides the ports. */
  readonly config?: ConfigurationInput;
  readonly env?: NodeJS.ProcessEnv;
}

/** How a program ended; a program that could not be started has exit code 127. */
export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Below the project's root; the root itself by default. */
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
  /** Milliseconds after which it is killed; 120 s by default. */
  readonly timeout?: number;
}

export interface TestProject extends AsyncDisposable {
  /** The directory of `.git` and `.ikigai`, without links in its path. */
  readonly root: string;
  readonly home: string;
  readonly httpPort: number;
  readonly postgresPort: number;
  /** The environment of all programs run here; nothing of this machine's git or Postgres. */
  readonly env: NodeJS.ProcessEnv;
  /** Returns the directory of a worktree by its name. */
  worktree(name: string): string;
  /** Runs git in a directory below the root ("." is the root). Throws when it fails. */
  git(cwd: string, ...args: string[]): Promise<string>;
  /** Runs the built command line at the root. Never throws. */
  ikigai(...args: string[]): Promise<Outcome>;
  /** Runs any program. Never throws. */
  run(command: string, args?: readonly string[], options?: RunOptions): Promise<Outcome>;
  http(path: string, options?: Request): Promise<Answer>;
  /**
   * Stops and removes everything. Returns the command lines of what `ikigai stop` left running,
   * which it then kills.
   */
  dispose(): Promise<string[]>;
}

const cli = fileURLToPath(new URL("../../dist/cli.cjs", import.meta.url));
// Programs that an ordinary user's login shell may not have on PATH.
const extraPath = "/usr/local/sbin:/usr/sbin:/sbin";

/** The environment of programs: this process' own without anything that leads out of the project. */
function environmentOf(base: string, extra: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const foreign =
    /^(GIT_|PG|DATABASE_URL$|SVDIR$|IKIGAI|DIRENV|XDG_|npm_|VITEST|NODE_ENV$|NODE_OPTIONS$|PORT$)/;
  const kept = Object.entries(process.env).filter(([name]) => !foreign.test(name));
  const home = join(base, "home");
  return {
    ...Object.fromEntries(kept),
    HOME: home,
    PATH: `${process.env.PATH}:${extraPath}`,
    XDG_CONFIG_HOME: join(home, ".config"),
    XDG_DATA_HOME: join(home, ".local/share"),
    // Clusters are copied from one that is made once for all tests.
    XDG_CACHE_HOME: join(tmpdir(), `iki-cache-${process.getuid?.()}`),
    XDG_STATE_HOME: join(home, ".local/state"),
    GIT_CONFIG_GLOBAL: join(home, ".gitconfig"),
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    // Packages are fetched once for all tests, not once for each temporary home.
    npm_config_cache: join(tmpdir(), `iki-npm-${process.getuid?.()}`),
    DENO_DIR: join(tmpdir(), `iki-deno-${process.getuid?.()}`),
    ...extra,
  };
}

const gitConfig = `[user]
\tname = Test
\temail = test@example.com
[advice]
\tdetachedHead = false
`;

/**
 * Makes a real project in a temporary directory: a repository in one of the layouts with an
 * application of fixtures/, free ports in `.ikigairc.json`, and a separate home. ikigai has not
 * run yet.
 *
 *     await using project = await makeProject({ worktrees: ["rel-05"] });
 *     await project.ikigai("init");
 */
export async function makeProject({
  layout = "bare",
  name: directory = "project",
  app = "tiny",
  files = {},
  worktrees = [],
  branches = [],
  config = {},
  env: extra = {},
}: ProjectOptions = {}): Promise<TestProject> {
  const base = await realpath(await mkdtemp(join(tmpdir(), "iki-")));
  const root = join(base, directory);
  const env = environmentOf(base, extra);
  const [http, postgres] = [await reservePort(), await reservePort()];
  await mkdir(join(base, "home"), { recursive: true });
  await writeFile(join(base, "home/.gitconfig"), gitConfig);

  const rc = `${JSON.stringify(withPorts(config, http.port, postgres.port), undefined, 2)}\n`;
  const inside = layout === "clone" ? { ".ikigairc.json": rc } : {};
  await makeRepository(root, {
    layout,
    app,
    env,
    files: { ...inside, ...files },
    branches: [...worktrees, ...branches],
  });
  if (layout !== "clone") await writeFile(join(root, ".ikigairc.json"), rc);

  const project = toolsFor({ base, root, env, layout, http, postgres });
  for (const name of worktrees) {
    await project.git(".", "worktree", "add", "--quiet", project.worktree(name), name);
  }
  return project;
}

function withPorts(config: ConfigurationInput, http: number, postgres: number): ConfigurationInput {
  return {
    ...config,
    http: { port: http, ...config.http },
    postgres: { port: postgres, ...config.postgres },
  };
}

interface Parts {
  readonly base: string;
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  readonly layout: RepositoryLayout;
  readonly http: PortReservation;
  readonly postgres: PortReservation;
}

function toolsFor({ base, root, env, layout, http, postgres }: Parts): TestProject {
  const run: TestProject["run"] = async (command, args = [], options = {}) => {
    const { cwd = ".", timeout = 120_000, input } = options;
    const result = await execa(command, args, {
      cwd: resolve(root, cwd),
      env: { ...env, ...options.env },
      extendEnv: false,
      reject: false,
      timeout,
      ...(input === undefined ? { stdin: "ignore" } : { input }),
    });
    const stderr = result.exitCode === undefined ? (result.message ?? "") : String(result.stderr);
    return { exitCode: result.exitCode ?? 127, stdout: String(result.stdout), stderr };
  };
  const ikigai: TestProject["ikigai"] = (...args) => {
    if (!existsSync(cli)) throw new Error("dist/cli.cjs is missing: run `npm run build` first");
    return run(process.execPath, [cli, ...args]);
  };
  const worktree = (name: string) => {
    if (layout !== "clone") return join(root, name);
    return name === "main" ? root : join(base, name);
  };
  const dispose = async () => {
    if (existsSync(join(root, ".ikigai")) && existsSync(cli)) await ikigai("stop");
    const left = await processesOf([base], { patience: 3_000 });
    await endAll(left);
    removeProject(base, root);
    http.release();
    postgres.release();
    return left.map(({ title }) => title);
  };
  return {
    root,
    home: join(base, "home"),
    httpPort: http.port,
    postgresPort: postgres.port,
    env,
    worktree,
    run,
    ikigai,
    git: async (cwd, ...args) => {
      const { exitCode, stdout, stderr } = await run("git", args, { cwd });
      if (exitCode !== 0) throw new Error(`git ${args.join(" ")}: ${stderr}`);
      return stdout;
    },
    http: (path, options) => ask(http.port, path, options),
    dispose,
    [Symbol.asyncDispose]: async () => {
      await dispose();
    },
  };
}
