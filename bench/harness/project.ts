import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endAll, processesOf } from "../../scripts/processes.js";
import { removeProject } from "../../scripts/remove.js";
import { reservePort } from "../../test/support/ports.ts";
import { type Environment, type Place, time, timeBeside } from "./programs.ts";

export interface ProjectOptions {
  /** Files of the application by their path in a worktree; fixtures/tiny when left out. */
  readonly files?: Readonly<Record<string, string>>;
  /** A directory below fixtures/. */
  readonly app?: string;
  /** Branches without a worktree. */
  readonly branches?: readonly string[];
  readonly config?: Readonly<Record<string, unknown>>;
}

/** Two equal repositories: one with ikigai, and a twin without. */
export interface BenchProject {
  /** The repository with ikigai; `main` is checked out below. */
  readonly root: string;
  readonly twin: string;
  readonly env: Environment;
  readonly httpPort: number;
  /** At a repository's root. */
  at(root: string): Place;
  /** Milliseconds of one git command. */
  git(root: string, ...args: string[]): number;
  gitBeside(root: string, ...args: string[]): Promise<number>;
  /** Milliseconds of one ikigai command. */
  ikigai(...args: string[]): number;
  /** Calls the daemon; returns its JSON. */
  ask<T>(method: "GET" | "POST", path: string, body?: string): Promise<T>;
  dispose(): Promise<void>;
}

export interface Workplace {
  /** An existing temporary directory. */
  readonly base: string;
  /** The checkout, for its fixtures. */
  readonly checkout: string;
  /** The built package under measurement. */
  readonly package: string;
}

/** Makes both repositories, without running ikigai. */
export async function makeBenchProject(
  { base, checkout, package: built }: Workplace,
  { app = "tiny", files = {}, branches = [], config = {} }: ProjectOptions,
): Promise<BenchProject> {
  const [root, twin, seed] = ["project", "twin", "seed"].map((name) => join(base, name)) as [
    string,
    string,
    string,
  ];
  const env = environmentOf(base);
  const [web, database] = [await reservePort(), await reservePort()];
  const git = (cwd: string, ...args: string[]) => time({ cwd, env }, "git", ...args);
  mkdirSync(env.HOME ?? base, { recursive: true });
  writeFileSync(env.GIT_CONFIG_GLOBAL ?? "", GIT_CONFIG);
  cpSync(join(checkout, "fixtures", app), seed, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(seed, name, ".."), { recursive: true });
    writeFileSync(join(seed, name), text);
  }
  git(seed, "init", "--quiet", "--initial-branch=main");
  git(seed, "add", "--all");
  git(seed, "commit", "--quiet", "--message", "The application");
  for (const branch of branches) git(seed, "branch", branch);
  // Another measured tool uses this server, over TCP.
  const postgres = { port: database.port, password: "ikigai", ownerOverTcp: true };
  const settings = { ...config, http: { port: web.port }, postgres };
  for (const place of [root, twin]) {
    git(base, "clone", "--quiet", "--bare", seed, join(place, ".git"));
    git(place, "worktree", "add", "--quiet", "main");
  }
  writeFileSync(join(root, ".ikigairc.json"), JSON.stringify(settings));
  rmSync(seed, { recursive: true });
  const ikigai = (...args: string[]) =>
    time({ cwd: root, env }, process.execPath, `${built}/dist/cli.cjs`, ...args);
  return {
    root,
    twin,
    env,
    httpPort: web.port,
    at: (cwd) => ({ cwd, env }),
    git,
    gitBeside: (cwd, ...args) => timeBeside({ cwd, env }, "git", ...args),
    ikigai,
    ask: (method, path, body) => ask(`${root}/.ikigai`, method, path, body),
    async dispose() {
      if (existsSync(join(root, ".ikigai"))) ikigai("stop");
      await endAll(await processesOf([base], { patience: 3_000 }));
      removeProject(base, root);
      web.release();
      database.release();
    },
  };
}

const GIT_CONFIG = "[user]\n\tname = Bench\n\temail = bench@example.com\n";

/** The environment of programs: nothing that leads to another project, and a separate home. */
function environmentOf(base: string): Environment {
  const foreign =
    /^(GIT_|PG|DATABASE_URL$|SVDIR$|IKIGAI|DIRENV|XDG_|npm_|NODE_ENV$|NODE_OPTIONS$|PORT$)/;
  const kept = Object.entries(process.env).flatMap(([name, value]): [string, string][] =>
    value === undefined || foreign.test(name) ? [] : [[name, value]],
  );
  const home = join(base, "home");
  return {
    ...Object.fromEntries(kept),
    HOME: home,
    PATH: `${process.env.PATH}:/usr/local/sbin:/usr/sbin:/sbin`,
    GIT_CONFIG_GLOBAL: join(home, "gitconfig"),
    GIT_CONFIG_NOSYSTEM: "1",
    // Deno is fetched once, not once for each temporary home.
    npm_config_cache: join(tmpdir(), `iki-npm-${process.getuid?.()}`),
    DENO_DIR: join(tmpdir(), `iki-deno-${process.getuid?.()}`),
  };
}

function ask<T>(ikigai: string, method: string, path: string, body = ""): Promise<T> {
  return new Promise((resolve, reject) => {
    const before = process.cwd();
    // A socket's address holds 108 bytes, so it is a relative one (unix(7)).
    process.chdir(ikigai);
    const request = http.request(
      { socketPath: "daemon.sock", method, path, agent: false },
      (given) => {
        let text = "";
        given.setEncoding("utf8").on("data", (chunk) => {
          text += chunk;
        });
        given.on("end", () => resolve((text === "" ? undefined : JSON.parse(text)) as T));
      },
    );
    process.chdir(before);
    request.on("error", reject);
    request.end(body);
  });
}
