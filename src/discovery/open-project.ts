import { readLastSettings, writeLastSettings } from "../host/project/last-settings.ts";
import { isTrusted, projectIdentity } from "../host/trust/approvals.ts";
import type { Worktree } from "../model/worktree.ts";
import type { Project } from "./project.ts";
import { Settings } from "./settings.ts";
import { readWorktrees } from "./worktrees.ts";

/** A project with its settings, and its worktrees as these choose the default one. */
export interface OpenProject extends Project {
  readonly settings: Settings;
  readonly worktrees: readonly Worktree[];
  readonly defaultWorktree: Worktree | undefined;
}

/** Reads a project's settings and worktrees. Configurations that are programs run where they are approved. */
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
 * The project-wide settings as they are now, or, where no file says any, as they were read last.
 *
 * @param keeps whether what is read is written down for that
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

/** Reads them again, from where the default worktree is by now. */
export function loadSettings(settings: Settings, commonDir: string): Promise<void> {
  // One whose directory is away for a moment is still the default one.
  return settings.loadProject((chosen) => readWorktrees(commonDir, chosen, () => false));
}
