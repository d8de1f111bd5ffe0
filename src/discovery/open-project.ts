import { readLastSettings, writeLastSettings } from "../host/project/last-settings.ts";
import { isTrusted, projectIdentity } from "../host/trust/approvals.ts";
import type { Worktree } from "../model/worktree.ts";
import type { Project } from "./project.ts";
import { Settings } from "./settings.ts";
import { readWorktrees } from "./worktrees.ts";

/** A project with its settings and worktrees; the settings may choose the default worktree. */
export interface OpenProject extends Project {
  readonly settings: Settings;
  readonly worktrees: readonly Worktree[];
  readonly defaultWorktree: Worktree | undefined;
}

/** Reads a project's settings and worktrees; runs configuration programs if they are approved. */
export async function openProject(
  project: Project,
  options: { readonly keeps?: boolean } = {},
): Promise<OpenProject> {
  const settings = await readSettings(project, options);
  const worktrees = readWorktrees(project.commonDir, settings.project.worktrees.default);
  const defaultWorktree = worktrees.find((w) => w.isDefault);
  return { ...project, settings, worktrees, defaultWorktree };
}

/**
 * Reads the project-wide settings; without a configuration file, returns those read last.
 *
 * @param keeps whether to save what is read for that case
 */
export async function readSettings(
  { layout, commonDir }: Project,
  { keeps = false }: { readonly keeps?: boolean } = {},
): Promise<Settings> {
  const identity = projectIdentity(commonDir);
  const settings = new Settings(
    layout.root,
    ({ file, hash }) => isTrusted(identity, { kind: "configuration", what: file, hash }),
    {
      read: () => readLastSettings(identity),
      ...(keeps ? { write: (last) => writeLastSettings(identity, last) } : {}),
    },
  );
  await loadSettings(settings, commonDir);
  return settings;
}

/** Reads the settings again, from the current default worktree. */
export function loadSettings(settings: Settings, commonDir: string): Promise<void> {
  // A worktree whose directory is missing for a moment remains the default one.
  return settings.loadProject((chosen) => readWorktrees(commonDir, chosen, () => false));
}
