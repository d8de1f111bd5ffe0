import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type BenchProject, makeBenchProject, type ProjectOptions } from "./project.ts";

/** What a row's `run` gets. */
export interface Bench {
  /** The built package under measurement: `dist/cli.cjs` and what it installs. */
  readonly package: string;
  /** The checkout. */
  readonly checkout: string;
  readonly peers: boolean;
  /** Makes a new temporary directory. */
  directory(name: string): string;
  /**
   * Returns a project that rows share, by name; the first call makes it and runs `prepare`.
   * All are stopped and removed at the end.
   */
  project(
    name: string,
    options?: ProjectOptions,
    prepare?: (project: BenchProject) => Promise<void> | void,
  ): Promise<BenchProject>;
  /** Removes a shared project early. */
  close(name: string): Promise<void>;
  /** Prints a progress line. */
  say(text: string): void;
}

export interface BenchSettings extends Pick<Bench, "package" | "checkout" | "peers"> {
  readonly base: string;
}

export function makeBench(settings: BenchSettings): Bench & { dispose(): Promise<void> } {
  const projects = new Map<string, Promise<BenchProject>>();
  let count = 0;
  const directory = (name: string) => {
    count += 1;
    const path = join(settings.base, `${name}-${count}`);
    mkdirSync(path, { recursive: true });
    return path;
  };
  const close = async (name: string) => {
    const project = await projects.get(name)?.catch(() => undefined);
    projects.delete(name);
    await project?.dispose();
  };
  return {
    ...settings,
    directory,
    project(name, options = {}, prepare = () => {}) {
      const known = projects.get(name);
      if (known) return known;
      const made = (async () => {
        const project = await makeBenchProject({ ...settings, base: directory(name) }, options);
        await prepare(project);
        return project;
      })();
      projects.set(name, made);
      return made;
    },
    close,
    say: (text) => void process.stderr.write(`  ${text}\n`),
    async dispose() {
      for (const name of [...projects.keys()]) await close(name);
    },
  };
}

/** The project that most rows share: fixtures/tiny, started, with a few worktrees in use. */
export function started(bench: Bench): Promise<BenchProject> {
  return bench.project("tiny", {}, (project) => {
    project.ikigai("start");
  });
}
