import { joinRaw, lstatIfThere } from "../host/fs/files.ts";
import type { Checked } from "../host/runit/definitions.ts";
import { type Configuration, serviceConfiguration } from "../model/configuration/configuration.ts";
import type { ConfigurationProblem } from "../model/configuration/problems.ts";
import type { Layout } from "../model/layout.ts";
import type { Slug } from "../model/slug.ts";
import type { RawPath, Refused, Service, Worktree } from "../model/worktree.ts";
import type { AbsenceGrace } from "./absence-grace.ts";
import { isContained } from "./ancestry.ts";
import { findParent } from "./parent-worktree.ts";
import { detectServices, strangeServices } from "./services.ts";
import type { SettingsOf } from "./settings.ts";
import { trackedFilesProblem, trackedIkigaiFiles } from "./tracked-ikigai-files.ts";
import { checkedFile, evaluateTrust, type TrustState } from "./trust.ts";
import type { WorktreeReader } from "./worktrees.ts";

/** A worktree with the content of its directory. */
export interface WorktreeFacts extends Worktree {
  readonly services: readonly Service[];
  readonly refused: readonly Refused[];
  readonly settings: Configuration;
  /** Errors in its own configuration file; if it is invalid as a whole, none of it applies. */
  readonly mistakes: readonly ConfigurationProblem[];
  /** Settings of the shared file that do not fit this worktree. */
  readonly warnings: readonly ConfigurationProblem[];
  /** Reads what waits for approval at the time of the call, as a file may have changed since. */
  readonly trust: () => TrustState;
  /** Reads the approved content of the file that starts a service, if there is one. */
  readonly checked: (service: Service) => Checked | undefined;
  /** Finds its parent worktree; called only to create its schema. */
  readonly origin: () => Promise<Slug | undefined>;
  /** Tells whether the default worktree's history contains its commit at the time of the call. */
  readonly contained: () => Promise<boolean>;
}

/** What was read from git and the worktrees. Everything that is wanted is computed from it. */
export interface Facts {
  readonly layout: Layout;
  readonly httpPort: number;
  readonly postgresPort: number;
  readonly worktrees: readonly WorktreeFacts[];
  readonly defaultSlug: Slug | undefined;
  readonly defaultTop: RawPath | undefined;
  /** Worktrees in an unknown state (an unfinished add, an unmounted disk): nothing of theirs is changed. */
  readonly held: ReadonlySet<Slug>;
  /** Those of them whose path is known from git's files. */
  readonly unknown: readonly Worktree[];
  /** The project is a copy of another one: its resources are matched by name only. */
  readonly copied: boolean;
  readonly passwordOf: (worktree: Worktree) => string;
  readonly secretId: string;
}

export interface FactSources {
  readonly layout: Layout;
  readonly commonDir: string;
  /** Remembers the worktrees outside of a scope between reads. */
  readonly reader: WorktreeReader;
  readonly httpPort: number;
  readonly postgresPort: number;
  readonly defaultWorktree?: string | undefined;
  readonly settingsOf: (worktree: Worktree) => Promise<SettingsOf>;
  /** The project's identity in approvals. */
  readonly trustIdentity: string;
  readonly passwordOf: (worktree: Worktree) => string;
  readonly secretId: string;
  /** Whether a service has a port because it did not support a socket. */
  readonly hasPort: (worktree: Slug, service: Slug) => boolean;
  /** Remembers between reads which directories are missing. */
  readonly away: AbsenceGrace;
  readonly copied: boolean;
}

/**
 * Reads git's files and the worktrees' directories; with a scope only those of these worktrees.
 *
 * @throws RepositoryAway when the repository is missing
 */
export async function readFacts(from: FactSources, scope?: ReadonlySet<Slug>): Promise<Facts> {
  const all = from.reader.read({
    chosen: from.defaultWorktree,
    isGone: (identity, away) => from.away.isGone(identity, away),
    scope,
  });
  const chosen = all.find((w) => w.isDefault);
  const scoped = all.filter((w) => !scope || scope.has(w.slug));
  const present = scoped.filter((w) => w.state === "present");
  const worktrees = await Promise.all(present.map((worktree) => readInside(from, worktree, all)));
  // A worktree that disappeared meanwhile looks empty, and everything of it would be removed.
  const isThere = ({ path }: Worktree) => lstatIfThere(joinRaw(path, ".git")) !== undefined;
  const left = worktrees.filter((w) => !isThere(w));
  const unknown = [...scoped.filter((w) => w.state === "unknown"), ...left];
  return {
    layout: from.layout,
    httpPort: from.httpPort,
    postgresPort: from.postgresPort,
    worktrees: worktrees.filter((w) => !left.includes(w)),
    defaultSlug: chosen?.slug,
    defaultTop: chosen?.path,
    held: new Set(unknown.map((w) => w.slug)),
    unknown: unknown.filter((w) => w.path.length > 0),
    copied: from.copied,
    passwordOf: from.passwordOf,
    secretId: from.secretId,
  };
}

async function readInside(
  from: FactSources,
  worktree: Worktree,
  all: readonly Worktree[],
): Promise<WorktreeFacts> {
  const given = await from.settingsOf(worktree);
  const { configuration: settings, loaded } = given;
  const planted = await trackedIkigaiFiles(from.layout, worktree);
  const detected =
    planted.length === 0
      ? detectServices(worktree.path, settings.services)
      : {
          services: [],
          refused: [{ name: ".ikigai", why: trackedFilesProblem(planted).why }],
          disabled: [],
        };
  const services = detected.services.map((service) => onPort(from, worktree, service, settings));
  const judged = { path: worktree.path, services };
  const trust = () => evaluateTrust(from.trustIdentity, judged, settings, loaded.program);
  const checked = (service: Service) => checkedFile(from.trustIdentity, worktree.path, service);
  const origin = () => findParent(from.commonDir, worktree, all);
  const contained = () => isContained(from.commonDir, worktree, all);
  const { mistakes: names, warnings } =
    planted.length === 0 ? strangeServices(given, detected) : { mistakes: [], warnings: [] };
  const mistakes = [...loaded.problems, ...names];
  const { refused } = detected;
  const lazy = { trust, checked, origin, contained };
  return { ...worktree, services, refused, settings, mistakes, warnings, ...lazy };
}

/** Gives a backend that was found to need a port both a socket and a port. */
function onPort(
  from: FactSources,
  worktree: Worktree,
  service: Service,
  settings: Configuration,
): Service {
  const { backend } = service;
  if (backend?.listen !== "socket" || !from.hasPort(worktree.slug, service.slug)) return service;
  if (serviceConfiguration(settings, service.name).listen !== undefined) return service;
  return { ...service, backend: { ...backend, listen: "either" } };
}
