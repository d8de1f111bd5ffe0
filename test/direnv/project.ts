import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { type Provided, provideEnvrc } from "../../src/host/direnv/provision.ts";
import { ENVIRONMENT_FILE, environmentFile, environmentPath } from "../../src/model/envrc.ts";
import { type Layout, layoutOf } from "../../src/model/layout.ts";

/** A temporary home with a project in it that has a bare repository. */
export class DirenvProject {
  readonly base = fs.mkdtempSync(join(fs.realpathSync(os.tmpdir()), "iki-"));
  readonly home = join(this.base, "home");
  readonly root = join(this.base, "it's a #;&*? project");
  readonly layout: Layout = layoutOf(this.root);
  readonly environment: Record<string, string> = {
    PATH: process.env.PATH ?? "",
    HOME: this.home,
    XDG_DATA_HOME: join(this.home, "data"),
    XDG_STATE_HOME: join(this.home, "state"),
    XDG_CONFIG_HOME: join(this.home, "config"),
    XDG_CACHE_HOME: join(this.home, "cache"),
    LANG: "C.UTF-8",
    TERM: "xterm",
  };

  constructor() {
    for (const directory of [this.home, this.layout.environments, this.layout.bin]) {
      fs.mkdirSync(directory, { recursive: true });
    }
    this.git(this.root, "init", "-q", "--bare", join(this.root, ".git"));
    fs.writeFileSync(join(this.root, ".git/info/exclude"), ".envrc\n/.ikigai\n");
    const tree = this.git(this.root, "mktree");
    const identity = ["-c", "user.name=x", "-c", "user.email=x@example.test"];
    const commit = this.git(this.root, ...identity, "commit-tree", "-m", "first", tree.trim());
    this.git(this.root, "update-ref", "HEAD", commit.trim());
  }

  git(directory: string, ...args: string[]): string {
    const at = directory === this.root ? [`--git-dir=${join(this.root, ".git")}`] : [];
    return execFileSync("git", [...at, ...args], {
      cwd: directory,
      env: { ...this.environment, GIT_CONFIG_NOSYSTEM: "1" },
      encoding: "utf8",
      input: "",
      stdio: ["pipe", "pipe", "pipe"],
    });
  }

  /** Adds a worktree without provisioning it; returns its top. */
  add(name: string, path = join(this.root, name)): string {
    this.git(this.root, "worktree", "add", "-q", "-b", `branch-${name}`, path);
    return path;
  }

  /** Commits an `.envrc` in a worktree. */
  track(top: string, content: string): void {
    fs.writeFileSync(join(top, ".envrc"), content);
    this.git(top, "add", "-f", ".envrc");
    this.git(top, "-c", "user.name=x", "-c", "user.email=x@example.test", "commit", "-qm", "envrc");
  }

  gitDir(top: string): string {
    return this.git(top, "rev-parse", "--absolute-git-dir").trim();
  }

  /** Returns the path of the environment of a worktree that was added by this name. */
  environmentOf(slug: string): string {
    return join(this.root, ".git/worktrees", slug, ENVIRONMENT_FILE);
  }

  setVariables(slug: string | undefined, variables: Record<string, string>): string {
    const file = slug === undefined ? environmentPath(this.layout) : this.environmentOf(slug);
    fs.writeFileSync(file, environmentFile(variables, this.layout.bin));
    return file;
  }

  provide(top: string, slug: string, defaultTop?: string): Promise<Provided> {
    return provideEnvrc(
      {
        directory: top,
        environmentFile: this.environmentOf(slug),
        scratch: this.layout.run,
        worktree: true,
        defaultTop,
      },
      this.environment,
    );
  }

  provideRoot(): Promise<Provided> {
    const environmentFile = environmentPath(this.layout);
    const place = {
      directory: this.root,
      environmentFile,
      scratch: this.layout.run,
      worktree: false,
    };
    return provideEnvrc(place, this.environment);
  }

  direnv(directory: string, ...args: string[]): string {
    return execFileSync("direnv", args, {
      cwd: directory,
      env: this.environment,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  /** direnv's minor version: 32 of 2.32.1. */
  get direnvMinor(): number {
    return Number(this.direnv(this.base, "version").split(".")[1]);
  }

  remove(): void {
    // fish keeps writing completions for a moment.
    fs.rmSync(this.base, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}
