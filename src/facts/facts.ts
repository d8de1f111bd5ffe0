import type { Configuration } from "../model/configuration.ts";
import type { Layout } from "../model/layout.ts";
import type { Slug } from "../model/slug.ts";
import type { RawPath, Refused, Service, Worktree } from "../model/worktree.ts";
import type { LoadedConfiguration } from "./configuration.ts";
import { detectServices } from "./services.ts";
import { judge, type TrustState } from "./trust.ts";
import { readWorktrees } from "./worktrees.ts";

/** A worktree with what its directory holds. */
export interface WorktreeFacts extends Worktree {
  readonly services: readonly Service[];
  readonly refused: readonly Refused[];
  readonly settings: Configuration;
  /** What waits for approval at the moment of the call: a file may have changed since the look. */
  readonly trust: () => TrustState;
}

/** What is true now. Everything that is wanted follows from it. */
export interface Facts {
  readonly layout: Layout;
  readonly httpPort: number;
  readonly postgresPort: number;
  readonly worktrees: readonly WorktreeFacts[];
  readonly defaultSlug: Slug | undefined;
  readonly defaultTop: RawPath | undefined;
  /** Worktrees that cannot be judged now (an add half done, a disk away): nothing of theirs changes. */
  readonly held: ReadonlySet<Slug>;
  readonly passwordOf: (worktree: Worktree) => string;
  readonly secretId: string;
  readonly ownerPassword: string;
}

export interface Gathering {
  readonly layout: Layout;
  readonly commonDir: string;
  readonly httpPort: number;
  readonly postgresPort: number;
  readonly defaultWorktree?: string | undefined;
  readonly settingsOf: (
    worktree: Worktree,
  ) => Promise<{ configuration: Configuration; loaded: LoadedConfiguration }>;
  /** What approvals call this project. */
  readonly trustIdentity: string;
  readonly passwordOf: (worktree: Worktree) => string;
  readonly secretId: string;
  readonly ownerPassword: string;
}

/**
 * Looks at git's files and the worktrees' directories. With a scope only those
 * worktrees' directories are looked into.
 */
export async function gatherFacts(from: Gathering, scope?: ReadonlySet<Slug>): Promise<Facts> {
  const worktrees = readWorktrees(from.commonDir, from.defaultWorktree);
  const chosen = worktrees.find((w) => w.isDefault);
  const looked = worktrees.filter((w) => !scope || scope.has(w.slug));
  return {
    layout: from.layout,
    httpPort: from.httpPort,
    postgresPort: from.postgresPort,
    worktrees: await Promise.all(
      looked
        .filter((w) => w.state === "present")
        .map(async (worktree) => {
          const { configuration: settings, loaded } = await from.settingsOf(worktree);
          const detected = detectServices(worktree.path, settings.services);
          const judged = { path: worktree.path, services: detected.services };
          const trust = () => judge(from.trustIdentity, judged, settings, loaded.program);
          return { ...worktree, ...detected, settings, trust };
        }),
    ),
    defaultSlug: chosen?.slug,
    defaultTop: chosen?.path,
    held: new Set(looked.filter((w) => w.state === "unknown").map((w) => w.slug)),
    passwordOf: from.passwordOf,
    secretId: from.secretId,
    ownerPassword: from.ownerPassword,
  };
}
