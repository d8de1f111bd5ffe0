import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type BenchProject, makeBenchProject, type ProjectOptions } from "./project.ts";

/** What a row gets to work with. */
export interface Bench {
  /** The built package that is measured: `dist/cli.cjs` and what it installs. */
  readonly package: string;
  /** The checkout. */
  readonly checkout: string;
  readonly peers: boolean;
  /** A new throwaway directory. */
  directory(name: string): string;
  /**
   * A project that rows share, by name: made, and with `prepare` made ready, when it is asked for
   * first. All are stopped and removed at the end.
   */
  project(
    name: string,
    options?: ProjectOptions,
    prepare?: (project: BenchProject) => Promise<void> | void,
  ): Promise<BenchProject>;
  /** Ends a shared project before the end. */
  close(name: string): Promise<void>;
  /** A line for whoever waits. */
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

/** The project most rows share: fixtures/tiny, started, with a few worktrees in use. */
export function started(bench: Bench): Promise<BenchProject> {
  return bench.project("tiny", {}, (project) => {
    project.ikigai("start");
  });
}
