import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Bench } from "./bench.ts";
import { type Place, time } from "./programs.ts";
import type { BenchProject } from "./project.ts";

export interface Peers {
  /** One side per peer: makes one more worktree and returns the milliseconds. */
  readonly sides: Readonly<Record<string, () => number>>;
  readonly notes: readonly string[];
}

interface Peer {
  readonly name: string;
  /** The program and arguments that make a worktree; undefined where the program is not available. */
  command(tools: string, name: string): readonly [string, ...string[]] | undefined;
  /** Files that it needs in its repository. */
  prepare?(place: Place, project: BenchProject): void;
}

const PACKAGES = ["branchlet@1.2", "@tokenbooks/wt@0.6"];

const PEERS: readonly Peer[] = [
  {
    name: "branchlet",
    command: (tools, name) => [
      join(tools, "node_modules/.bin/branchlet"),
      ...["create", "-n", name, "-s", "main", "-b", name],
    ],
  },
  {
    name: "@tokenbooks/wt",
    command: (tools, name) => [
      join(tools, "node_modules/.bin/wt"),
      ...["new", name, "--base", "main", "--no-install"],
    ],
    prepare: giveDatabase,
  },
  {
    name: "git-worktree-runner",
    // Not in a registry: a variable names a checkout of it.
    command: (_, name) => {
      const checkout = process.env.GTR;
      return checkout
        ? [join(checkout, "bin/git-gtr"), "new", name, "--no-fetch", "--yes"]
        : undefined;
    },
  },
];

const DATABASE = "peer";

/** It copies a database for each worktree: an empty one, on the server that ikigai uses too. */
function giveDatabase({ cwd }: Place, project: BenchProject): void {
  time(project.at(project.root), ".ikigai/bin/psql", "-qc", `CREATE DATABASE ${DATABASE}`);
  const settings: unknown = JSON.parse(readFileSync(`${project.root}/.ikigairc.json`, "utf8"));
  const { port } = (settings as { postgres: { port: number } }).postgres;
  const address = `postgresql://ikigai:ikigai@127.0.0.1:${port}/${DATABASE}`;
  writeFileSync(`${cwd}/.env`, `DATABASE_URL=${address}\n`);
  const config = {
    baseDatabaseName: DATABASE,
    baseWorktreePath: ".worktrees",
    portStride: 100,
    maxSlots: 100,
    services: [{ name: "web", defaultPort: 3000 }],
    envFiles: [{ source: ".env", patches: [{ var: "DATABASE_URL", type: "database" }] }],
    postSetup: [],
    autoInstall: false,
  };
  writeFileSync(`${cwd}/wt.config.json`, JSON.stringify(config));
}

/**
 * The other tools that are available here, each in its own repository with a first worktree made.
 * What they make besides the worktree differs: @tokenbooks/wt copies a database, the others none.
 */
export async function peersOf(bench: Bench, project: BenchProject): Promise<Peers> {
  const tools = bench.directory("peers");
  const npm = ["install", "--no-audit", "--no-fund", "--loglevel=error", "--ignore-scripts"];
  spawnSync("npm", [...npm, ...PACKAGES], { cwd: tools, stdio: "ignore", timeout: 120_000 });
  const sides: Record<string, () => number> = {};
  const notes: string[] = [];
  for (const { name, command, prepare } of PEERS) {
    let number = 0;
    const place = repositoryFor(bench, project);
    const make = () => {
      const words = command(tools, `peer-${number++}`);
      if (!words) throw new Error("name a checkout of it in the variable GTR");
      if (!existsSync(words[0])) throw new Error("it could not be installed");
      return time(place, ...words);
    };
    try {
      prepare?.(place, project);
      make();
      sides[name] = make;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      notes.push(`${name} is not available: ${withoutPaths(why)}`);
    }
  }
  return { sides, notes };
}

/** Results are published, so they name no directory of this machine. */
function withoutPaths(text: string): string {
  return text
    .trim()
    .split("\n")
    .slice(0, 2)
    .join(" ")
    .replace(/\/[^\s']*\//g, "…/");
}

function repositoryFor(bench: Bench, project: BenchProject): Place {
  const directory = bench.directory("peer");
  time(project.at(directory), "git", "clone", "--quiet", project.twin, "repository");
  return project.at(join(directory, "repository"));
}
