/** What the registry says of a schema; the proof that it is ours. */
export interface SchemaMark {
  readonly worktree: string;
  readonly identity: string;
  /** Which project secret its role's password was derived from. */
  readonly secret: string;
  /** When it was put aside, as ISO 8601; absent while its worktree lives. */
  readonly retired?: string;
  /** The same by the retention clock, in milliseconds. */
  readonly retiredAt?: number;
  /** How far the project's own commands for a new schema are; absent where there were none. */
  readonly setup?: "pending" | "done" | "failed";
  /** Tells the runs of these commands apart: each runs once a round. */
  readonly round?: string;
  /** Why the project's own commands failed. */
  readonly why?: string;
  /** Whether it began with somebody's rows; such a schema is not seeded. */
  readonly rows?: boolean;
  /** Why it began otherwise than was asked for. */
  readonly note?: string;
  /** Where the worktree was; told by `ikigai wt restore --list`. */
  readonly path?: string;
}

const PREFIX = "ikigai:";

export function writeMark(mark: SchemaMark): string {
  return PREFIX + JSON.stringify(mark);
}

/** Undefined for any text that is no mark of a worktree's schema. */
export function readMark(text: string | null): SchemaMark | undefined {
  if (!text?.startsWith(PREFIX)) return undefined;
  try {
    const value: unknown = JSON.parse(text.slice(PREFIX.length));
    return isMark(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isMark(value: unknown): value is SchemaMark {
  return (
    typeof value === "object" &&
    value !== null &&
    "worktree" in value &&
    typeof value.worktree === "string" &&
    "identity" in value &&
    typeof value.identity === "string" &&
    "secret" in value &&
    typeof value.secret === "string"
  );
}

/** The name a schema and its role get when they are put aside; at most 63 bytes. */
export function retiredName(slug: string, at: Date): string {
  return `retired_${slug.replaceAll("-", "_")}_${at.getTime().toString(36)}`;
}
