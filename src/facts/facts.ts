import type { Configuration } from "../model/configuration.ts";
import type { Layout } from "../model/layout.ts";
import type { Slug } from "../model/slug.ts";
import type { Refused, Service, Worktree } from "../model/worktree.ts";
import { detectServices } from "./services.ts";
import { readWorktrees } from "./worktrees.ts";

/** A worktree with what its directory holds. */
export interface WorktreeFacts extends Worktree {
  readonly services: readonly Service[];
  readonly refused: readonly Refused[];
  readonly settings: Configuration;
}

/** What is true now. Everything that is wanted follows from it. */
export interface Facts {
  readonly layout: Layout;
  readonly httpPort: number;
  readonly postgresPort: number;
  readonly worktrees: readonly WorktreeFacts[];
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
  readonly settingsOf: (worktree: Worktree) => Configuration;
  readonly passwordOf: (worktree: Worktree) => string;
  readonly secretId: string;
  readonly ownerPassword: string;
}

/**
 * Looks at git's files and the worktrees' directories. With a scope only those
 * worktrees' directories are looked into.
 */
export function gatherFacts(from: Gathering, scope?: ReadonlySet<Slug>): Facts {
  const worktrees = readWorktrees(from.commonDir, from.defaultWorktree);
  const looked = worktrees.filter((w) => !scope || scope.has(w.slug));
  return {
    layout: from.layout,
    httpPort: from.httpPort,
    postgresPort: from.postgresPort,
    worktrees: looked
      .filter((w) => w.state === "present")
      .map((worktree) => {
        const settings = from.settingsOf(worktree);
        return { ...worktree, ...detectServices(worktree.path, settings.services), settings };
      }),
    held: new Set(looked.filter((w) => w.state === "unknown").map((w) => w.slug)),
    passwordOf: from.passwordOf,
    secretId: from.secretId,
    ownerPassword: from.ownerPassword,
  };
}
