import { joinRaw, listIfThere, statIfThere, toBuffer } from "../host/files.ts";
import type { Configuration } from "../model/configuration.ts";
import { mergeConfiguration, NOTHING_GIVEN } from "../model/configuration-merge.ts";
import type { ConfigurationProblem } from "../model/configuration-problems.ts";
import type { RawPath, Worktree } from "../model/worktree.ts";
import {
  CONFIGURATION_FILES,
  type ConfigurationProgram,
  type LoadedConfiguration,
  loadConfiguration,
  loadProjectConfiguration,
} from "./configuration.ts";

/** Whether a configuration that is a program has been approved. */
export type Approves = (program: ConfigurationProgram) => boolean;

interface Known {
  readonly stamp: string;
  readonly loaded: LoadedConfiguration;
}

type Project = LoadedConfiguration & { readonly shared: boolean };

/** The settings of a project and its worktrees, read again only when a file has changed. */
export class Settings {
  readonly #root: string;
  readonly #approves: Approves;
  readonly #known = new Map<string, Known>();
  #project: Project = { ...NOTHING_GIVEN, status: "none", problems: [], shared: false };

  constructor(root: string, approves: Approves) {
    this.#root = root;
    this.#approves = approves;
  }

  get project(): Configuration {
    return this.#project.configuration;
  }

  get problems(): readonly ConfigurationProblem[] {
    return this.#project.problems;
  }

  /** The file beside the worktrees where it is a program: it holds in each of them. */
  get sharedProgram(): ConfigurationProgram | undefined {
    return this.#project.shared ? this.#project.program : undefined;
  }

  /** Whether the project-wide file lies beside the worktrees, where no branch can put it. */
  get isShared(): boolean {
    return this.#project.shared;
  }

  /**
   * Reads the project-wide settings; a file with problems leaves them as they were. Beside the
   * worktrees one file says everything. Otherwise the repository's own default worktree may name
   * another one: from then on that one's file speaks, about everything but this choice.
   *
   * @param worktrees read with a default worktree chosen by name
   */
  async loadProject(worktrees: (chosen?: string) => readonly Worktree[]): Promise<void> {
    const top = (chosen?: string) => worktrees(chosen).find((w) => w.isDefault)?.path;
    const natural = top();
    const first = await this.#read(natural);
    const name = first.configuration.worktrees.default;
    const other = first.shared || name === undefined ? undefined : top(name);
    if (name === undefined || !other || isSame(other, natural)) return this.#take(first);
    const chosen = await this.#read(other);
    if (chosen.status === "none") return this.#take(first);
    const { configuration } = chosen;
    const worktreesOf = { ...configuration.worktrees, default: name };
    this.#take({ ...chosen, configuration: { ...configuration, worktrees: worktreesOf } });
  }

  #read(top: RawPath | undefined): Promise<Project> {
    return loadProjectConfiguration(this.#root, top, { executable: this.#approves });
  }

  #take(loaded: Project): void {
    const usable = loaded.status === "ok" || loaded.status === "none";
    const { problems, program, shared } = loaded;
    this.#project = usable
      ? loaded
      : { ...this.#project, problems, shared, ...(program ? { program } : {}) };
  }

  /** What holds in one worktree, and what is wrong with its file. */
  async of(top: RawPath): Promise<{ configuration: Configuration; loaded: LoadedConfiguration }> {
    const key = toBuffer(top).toString("latin1");
    const stamp = stampOf(top);
    let known = this.#known.get(key);
    if (known?.stamp !== stamp) {
      const loaded = await loadConfiguration(top, { executable: this.#approves });
      known = { stamp, loaded };
      // A held program is asked about again: its approval changes no file here.
      if (loaded.status !== "held") this.#known.set(key, known);
    }
    const { loaded } = known;
    return { configuration: mergeConfiguration(this.#project, loaded), loaded };
  }
}

function isSame(one: RawPath, other: RawPath | undefined): boolean {
  return other !== undefined && Buffer.compare(one, other) === 0;
}

/** Changes with every change of a file that could be the configuration. */
function stampOf(top: RawPath): string {
  // One list costs less than asking for a dozen names that are not there.
  const present = new Set(listIfThere(top).map(String));
  return CONFIGURATION_FILES.filter((name) => present.has(name))
    .map((name) => {
      const stat = statIfThere(joinRaw(top, name));
      return stat ? `${name}:${stat.ino}:${stat.mtimeNs}:${stat.size}` : "";
    })
    .join(";");
}
