import type { Slug } from "./slug.ts";

/** A path as the file system has it. Raw: it may hold any byte but NUL. */
export type RawPath = Uint8Array;

/** One worktree, as git's own files say. */
export interface Worktree {
  readonly slug: Slug;
  /** git's name for it, decoded for display only. */
  readonly name: string;
  /** Inode and birth time of the administrative directory; never given twice. */
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
  /** `gone` only when git's own rule would let `git worktree prune` remove it. */
  readonly state: "present" | "gone" | "unknown";
}

/** How a backend is started, in the order of the convention. */
export type Launch =
  | { readonly kind: "command"; readonly argv: readonly string[] }
  | { readonly kind: "run" }
  | {
      readonly kind: "deno-task";
      readonly task: string;
      readonly file: string;
      /** All that the task runs, where that needs no other task. */
      readonly command?: string;
    }
  | { readonly kind: "deno"; readonly entry: string }
  | { readonly kind: "node" };

/** `none`: it has no HTTP, and no address. */
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

/** Something in a worktree that looks like a service and is not taken as one. */
export interface Refused {
  readonly name: string;
  readonly why: string;
}
