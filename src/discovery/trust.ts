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

/** The content of a worktree that waits for approval, and the services held by it. */
export interface TrustState {
  readonly waiting: readonly Trustable[];
  /** The key or file that is not approved, by service. */
  readonly held: ReadonlyMap<Slug, string>;
}

export interface TrustEvaluation {
  readonly path: RawPath;
  readonly services: readonly Service[];
}

/**
 * Compares what a worktree would run with what is approved in this project; reads both at the time of the
 * call.
 */
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
    // An unapproved configuration program may configure any service in any way.
    const reason = undecided ?? holding(waiting, service.name)[0];
    return service.backend && reason ? [[service.slug, reason.what]] : [];
  });
  return { waiting, held: new Map(held) };
}

/**
 * Returns the file that starts a service with its approved content (empty if not approved); undefined if it
 * has none.
 */
export function checkedFile(project: string, top: RawPath, service: Service): Checked | undefined {
  const file = wholeFileOf(service);
  const [run] = file === undefined ? [] : runOf(top, service);
  if (file === undefined || !run) return undefined;
  const { kind, path: what, content } = run;
  const approved = isTrusted(project, { kind, what, hash: sha256(content) });
  return { file, content: approved ? content : Buffer.alloc(0) };
}

/**
 * Lists the unapproved `programs` that a branch's configuration sets. A file beside the worktrees is in no
 * branch but the user's own, so its programs need no approval.
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
