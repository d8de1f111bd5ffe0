import { joinRaw, listIfThere, statIfThere, toBuffer } from "../host/fs/files.ts";
import type { LastSettings } from "../host/project/last-settings.ts";
import type { Configuration } from "../model/configuration/configuration.ts";
import { mergeConfiguration, NOTHING_GIVEN } from "../model/configuration/merge.ts";
import type { ConfigurationProblem } from "../model/configuration/problems.ts";
import type { Retention } from "../model/retention.ts";
import type { RawPath, Worktree } from "../model/worktree.ts";
import {
  CONFIGURATION_FILES,
  type ConfigurationProgram,
  type LoadedConfiguration,
  loadConfiguration,
  loadProjectConfiguration,
  validated,
} from "./configuration.ts";

/** Tells whether a configuration program is approved. */
export type Approves = (program: ConfigurationProgram) => boolean;

interface Known {
  readonly stamp: string;
  readonly loaded: LoadedConfiguration;
}

type Project = LoadedConfiguration & { readonly shared: boolean };

/** The settings that apply in one worktree. */
export interface SettingsOf {
  readonly configuration: Configuration;
  readonly loaded: LoadedConfiguration;
  /** The file from which its `services` come. */
  readonly source: { readonly file: string; readonly shared: boolean };
}

/** Stores the settings that were read last. */
export interface SettingsMemory {
  read(): LastSettings | undefined;
  write?(last: LastSettings): void;
}

/** The settings of a project and its worktrees; reads a file again only when it has changed. */
export class Settings {
  readonly #root: string;
  readonly #approves: Approves;
  readonly #memory: SettingsMemory | undefined;
  readonly #known = new Map<string, Known>();
  #project: Project;
  /** The file that was read last, if there is none now. */
  #vanished: string | undefined;
  #sharedProgram: ConfigurationProgram | undefined;

  constructor(root: string, approves: Approves, memory?: SettingsMemory) {
    this.#root = root;
    this.#approves = approves;
    this.#memory = memory;
    this.#project = recalled(memory?.read()) ?? NO_FILE;
  }

  get project(): Configuration {
    return this.#project.configuration;
  }

  /** The configured retention; undefined if no file has been read yet. */
  get retention(): Retention | undefined {
    return this.#project.status === "ok" ? this.project.worktrees.retention : undefined;
  }

  /** The missing file, perhaps removed by a checkout, whose last settings still apply. */
  get vanished(): string | undefined {
    return this.#vanished;
  }

  /** The project's configuration file. */
  get file(): string | undefined {
    return this.#project.status === "ok" ? this.#project.file : undefined;
  }

  get problems(): readonly ConfigurationProblem[] {
    return this.#project.problems;
  }

  /** The shared configuration file, if it is a program; it applies to every worktree. */
  get sharedProgram(): ConfigurationProgram | undefined {
    return this.#sharedProgram;
  }

  /** Whether the project-wide file is beside the worktrees, where no branch can write to. */
  get isShared(): boolean {
    return this.#project.shared;
  }

  /**
   * Reads the project-wide settings; a file with errors leaves them unchanged. A file beside the worktrees
   * determines everything. Otherwise git's default worktree may name another one in `worktrees.default`,
   * whose file then determines everything but this choice.
   *
   * @param worktrees reads the worktrees, with the given default worktree
   */
  async loadProject(worktrees: (chosen?: string) => readonly Worktree[]): Promise<void> {
    const top = (chosen?: string) => worktrees(chosen).find((w) => w.isDefault)?.path;
    const natural = top();
    const first = await this.#read(natural);
    const said = first.status === "none" ? this.project : first.configuration;
    const name = said.worktrees.default;
    const other = first.shared || name === undefined ? undefined : top(name);
    if (name === undefined || !other || isSame(other, natural)) return this.#take(first);
    const chosen = await this.#read(other);
    if (chosen.status === "none") return this.#take(first);
    this.#take(withDefault(chosen, name));
  }

  #read(top: RawPath | undefined): Promise<Project> {
    return loadProjectConfiguration(this.#root, top, { executable: this.#approves });
  }

  #take(loaded: Project): void {
    const { status, file, raw, problems, program, shared } = loaded;
    const before = this.#project;
    this.#sharedProgram = shared ? program : undefined;
    this.#vanished = status === "none" && before.status === "ok" ? before.file : undefined;
    if (status === "ok") {
      this.#project = loaded;
      this.#memory?.write?.({ file: file ?? "", shared, raw });
    } else this.#project = { ...before, problems };
  }

  /** Reads the settings that apply in one worktree, and the errors in its file. */
  async of(top: RawPath): Promise<SettingsOf> {
    const key = toBuffer(top).toString("latin1");
    const stamp = stampOf(top);
    let known = this.#known.get(key);
    if (known?.stamp !== stamp) {
      const loaded = await loadConfiguration(top, { executable: this.#approves });
      known = { stamp, loaded };
      // Do not cache an unapproved program: its approval changes no file here.
      if (loaded.status !== "held") this.#known.set(key, known);
    }
    const { loaded } = known;
    const shared = this.#project.shared && !loaded.given.includes("services");
    const { file = "" } = shared ? this.#project : loaded;
    const configuration = mergeConfiguration(this.#project, loaded);
    return { configuration, loaded, source: { file, shared } };
  }
}

const NO_FILE: Project = { ...NOTHING_GIVEN, status: "none", problems: [], shared: false };

function recalled(last: LastSettings | undefined): Project | undefined {
  if (!last) return undefined;
  const loaded = validated(last.file, last.raw);
  // Another version may have written it, with settings unknown to this one.
  return loaded.status === "ok" ? { ...loaded, shared: last.shared } : undefined;
}

function withDefault(loaded: Project, name: string): Project {
  if (loaded.status !== "ok") return loaded;
  const { configuration, raw } = loaded;
  const { worktrees } = raw as { readonly worktrees?: object };
  return {
    ...loaded,
    configuration: { ...configuration, worktrees: { ...configuration.worktrees, default: name } },
    raw: { ...(raw as object), worktrees: { ...worktrees, default: name } },
  };
}

function isSame(one: RawPath, other: RawPath | undefined): boolean {
  return other !== undefined && Buffer.compare(one, other) === 0;
}

/** Computes a stamp that changes with every change of a possible configuration file. */
function stampOf(top: RawPath): string {
  // Listing the directory once is cheaper than a dozen stats of missing names.
  const present = new Set(listIfThere(top).map(String));
  return CONFIGURATION_FILES.filter((name) => present.has(name))
    .map((name) => {
      const stat = statIfThere(joinRaw(top, name));
      return stat ? `${name}:${stat.ino}:${stat.mtimeNs}:${stat.size}` : "";
    })
    .join(";");
}
