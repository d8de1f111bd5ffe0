import type { Slug } from "./slug.ts";

/** A path as raw bytes: it may contain any byte but NUL. */
export type RawPath = Uint8Array;

/** One worktree, as read from git's files. */
export interface Worktree {
  readonly slug: Slug;
  /** git's name for it, decoded for display only. */
  readonly name: string;
  /** Inode and birth time of the administrative directory; never reused. */
  readonly identity: string;
  /** The administrative directory (`.git/worktrees/<name>`, or the common one). */
  readonly gitDir: RawPath;
  /** The top of the worktree. */
  readonly path: RawPath;
  /** Short branch name, decoded for display; absent when detached. */
  readonly branch?: string;
  readonly isMain: boolean;
  readonly isDefault: boolean;
  /** git's lock: its reason, "" when none was given. */
  readonly locked?: string;
  /** `gone` only if `git worktree prune` would remove it by git's own rules. */
  readonly state: "present" | "gone" | "unknown";
}

/** How a backend is started; the first that applies, in this order. */
export type Launch =
  | { readonly kind: "command"; readonly argv: readonly string[] }
  | { readonly kind: "run" }
  | {
      readonly kind: "deno-task";
      readonly task: string;
      readonly file: string;
      /** The whole command of the task, if it depends on no other task. */
      readonly command?: string;
    }
  | { readonly kind: "deno"; readonly entry: string }
  | { readonly kind: "node" };

/** Where a backend listens; `none`: it has no HTTP and no address. */
export type Listen = "socket" | "tcp" | "either" | "none";
export type StartPolicy = "on-demand" | "always" | "manual";

export interface Backend {
  readonly directory: RawPath;
  readonly launch: Launch;
  readonly listen: Listen;
}

export interface Service {
  readonly slug: Slug;
  /** The directory's name, or `backend` for the unnamed service; display only. */
  readonly name: string;
  readonly unnamed: boolean;
  readonly backend?: Backend;
  readonly frontend?: RawPath;
}

/** Something in a worktree that looks like a service but is refused. */
export interface Refused {
  readonly name: string;
  readonly why: string;
}
