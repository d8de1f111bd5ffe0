import type { WorktreeFacts } from "../discovery/facts.ts";
import type { Slug } from "../model/slug.ts";
import type { Service } from "../model/worktree.ts";
import type { NotRunning } from "./start-failure.ts";

/** The result of activating a service. */
export type StartResult = { readonly awake: true } | NotRunning;

/** The functions through which the activator prepares a start and reports use. */
export interface ActivatorDependencies {
  /**
   * Provisions the worktree; returns the problems that prevent it.
   *
   * @param anew reconcile even if the worktree is provisioned, because its files have changed
   */
  readonly ready: (worktree: Slug, anew: boolean) => Promise<readonly string[]>;
  /** Makes room for one more service and admits it; returns the reason if there is none by the deadline. */
  readonly room: (wish: AdmissionRequest) => Promise<string | undefined>;
  /**
   * Allocates or releases a TCP port for a service; resolves when its definition is written, with the
   * service as it is then.
   */
  readonly onPort: (
    worktree: Slug,
    service: Slug,
    wanted: boolean,
  ) => Promise<ServiceRef | undefined>;
  /** Called when a service was activated and is ready. */
  readonly used: (key: string) => void;
}

/** A service in its worktree. */
export interface ServiceRef {
  readonly worktree: WorktreeFacts;
  readonly service: Service;
}

/** A service that waits for room to start. */
export interface AdmissionRequest {
  readonly key: string;
  /** A time of `performance.now()`. */
  readonly deadline: number;
  /** Start it even if the limits are exceeded. */
  readonly must: boolean;
  /** Called when it has room; it counts as running from then on. */
  readonly admit: () => void;
}
