import { sha256 } from "../host/fs/files.ts";
import type { Checked } from "../host/runit/definitions.ts";
import { isTrusted, untrusted } from "../host/trust/approvals.ts";
import type { Configuration } from "../model/configuration/configuration.ts";
import type { Slug } from "../model/slug.ts";
import { holding, type Trustable, trustables } from "../model/trust.ts";
import type { RawPath, Service } from "../model/worktree.ts";
import { readApprovables, runOf, wholeFileOf } from "./approvable-content.ts";
import type { LoadedConfiguration } from "./configuration.ts";
import type { Settings } from "./settings.ts";

/** What of a worktree waits for approval, and which services it holds. */
export interface TrustState {
  readonly waiting: readonly Trustable[];
  /** Service → what of it has not been approved. */
  readonly held: ReadonlyMap<Slug, string>;
}

export interface TrustEvaluation {
  readonly path: RawPath;
  readonly services: readonly Service[];
}

/** Compares what a worktree would run with what has been approved in this project, both read now. */
export function evaluateTrust(
  project: string,
  worktree: TrustEvaluation,
  configuration: Configuration,
  program: LoadedConfiguration["program"],
): TrustState {
  const waiting = untrusted(project, readApprovables({ ...worktree, configuration, program }));
  if (waiting.length === 0) return NOTHING_WAITS;
  const undecided = waiting.find(({ kind }) => kind === "configuration");
  const held = worktree.services.flatMap((service): [Slug, string][] => {
    // An unapproved program may say anything about any service.
    const reason = undecided ?? holding(waiting, service.name)[0];
    return service.backend && reason ? [[service.slug, reason.what]] : [];
  });
  return { waiting, held: new Map(held) };
}

/** What the file that a service starts by has to be at its start; undefined where it starts otherwise. */
export function checkedFile(project: string, top: RawPath, service: Service): Checked | undefined {
  const file = wholeFileOf(service);
  const [run] = file === undefined ? [] : runOf(top, service);
  if (file === undefined || !run) return undefined;
  const { kind, path: what, content } = run;
  const approved = isTrusted(project, { kind, what, hash: sha256(content) });
  return { file, content: approved ? content : Buffer.alloc(0) };
}

/**
 * The programs of ikigai's own that a branch's file names and nobody has approved. What stands in
 * the file beside the worktrees is in no branch: it is the user's own word.
 */
export function unapprovedPrograms(
  project: string,
  settings: Pick<Settings, "project" | "isShared">,
): Trustable[] {
  if (settings.isShared) return [];
  const all = trustables({ configuration: settings.project, runs: [] }, sha256);
  return untrusted(
    project,
    all.filter(({ kind }) => kind === "program"),
  );
}

const NOTHING_WAITS: TrustState = { waiting: [], held: new Map() };
