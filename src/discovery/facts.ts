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

/** A worktree with what its directory holds. */
export interface WorktreeFacts extends Worktree {
  readonly services: readonly Service[];
  readonly refused: readonly Refused[];
  readonly settings: Configuration;
  /** What is wrong with its own file: all of it, of which nothing holds then, or a name in it. */
  readonly mistakes: readonly ConfigurationProblem[];
  /** What of the file beside the worktrees does not fit this one. */
  readonly warnings: readonly ConfigurationProblem[];
  /** What waits for approval at the moment of the call: a file may have changed since the look. */
  readonly trust: () => TrustState;
  /** The same of the file that a service starts by, where there is one. */
  readonly checked: (service: Service) => Checked | undefined;
  /** The worktree that it was made from; only asked for when its schema is. */
  readonly origin: () => Promise<Slug | undefined>;
  /** Whether it is at a commit that the default worktree's history holds, at the moment of the call. */
  readonly contained: () => Promise<boolean>;
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
  /** Those of them that have a place, as git's files say. */
  readonly unknown: readonly Worktree[];
  /** The project is a copy of another one: what it holds is known by name only. */
  readonly copied: boolean;
  readonly passwordOf: (worktree: Worktree) => string;
  readonly secretId: string;
}

export interface FactSources {
  readonly layout: Layout;
  readonly commonDir: string;
  /** Remembers between looks what it saw of the worktrees that a look is not about. */
  readonly reader: WorktreeReader;
  readonly httpPort: number;
  readonly postgresPort: number;
  readonly defaultWorktree?: string | undefined;
  readonly settingsOf: (worktree: Worktree) => Promise<SettingsOf>;
  /** What approvals call this project. */
  readonly trustIdentity: string;
  readonly passwordOf: (worktree: Worktree) => string;
  readonly secretId: string;
  /** Whether a service has been given a port, because it did not take a socket. */
  readonly hasPort: (worktree: Slug, service: Slug) => boolean;
  /** Remembers between looks which directories are away. */
  readonly away: AbsenceGrace;
  readonly copied: boolean;
}

/**
 * Looks at git's files and the worktrees' directories. With a scope only those
 * worktrees are read and looked into.
 */
export async function readFacts(from: FactSources, scope?: ReadonlySet<Slug>): Promise<Facts> {
  const all = from.reader.read({
    chosen: from.defaultWorktree,
    isGone: (identity, away) => from.away.isGone(identity, away),
    scope,
  });
  const chosen = all.find((w) => w.isDefault);
  const looked = all.filter((w) => !scope || scope.has(w.slug));
  const present = looked.filter((w) => w.state === "present");
  const worktrees = await Promise.all(present.map((worktree) => lookInside(from, worktree, all)));
  // One that went away meanwhile seems to hold nothing, and it would lose everything.
  const isThere = ({ path }: Worktree) => lstatIfThere(joinRaw(path, ".git")) !== undefined;
  const left = worktrees.filter((w) => !isThere(w));
  const unknown = [...looked.filter((w) => w.state === "unknown"), ...left];
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

async function lookInside(
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
  const asked = { trust, checked, origin, contained };
  return { ...worktree, services, refused, settings, mistakes, warnings, ...asked };
}

/** A backend that was found to need a port is told both, and may take either. */
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
