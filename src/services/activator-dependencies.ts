import type { WorktreeFacts } from "../discovery/facts.ts";
import type { Slug } from "../model/slug.ts";
import type { Service } from "../model/worktree.ts";
import type { NotRunning } from "./start-failure.ts";

/** What came of asking for a service. */
export type StartResult = { readonly awake: true } | NotRunning;

/** What has to be before a service may start, and who is told that it did. */
export interface ActivatorDependencies {
  /**
   * Settles when the worktree has its database and all else, `anew` as it is now; answers what
   * keeps it from that.
   */
  readonly ready: (worktree: Slug, anew: boolean) => Promise<readonly string[]>;
  /** Makes room for one more service and admits it; answers why not when its time is over. */
  readonly room: (wish: AdmissionRequest) => Promise<string | undefined>;
  /**
   * Gives a service a port of its own, or takes it back; settles when its
   * definition says so, with the service as it is then.
   */
  readonly onPort: (
    worktree: Slug,
    service: Slug,
    wanted: boolean,
  ) => Promise<ServiceRef | undefined>;
  /** The service was asked for and is there. */
  readonly used: (key: string) => void;
}

/** A service in its worktree. */
export interface ServiceRef {
  readonly worktree: WorktreeFacts;
  readonly service: Service;
}

/** A service that wants to run. */
export interface AdmissionRequest {
  readonly key: string;
  /** Of `performance.now()`. */
  readonly deadline: number;
  /** It runs whatever others do. */
  readonly must: boolean;
  /** It counts as running from then on. */
  readonly admit: () => void;
}
