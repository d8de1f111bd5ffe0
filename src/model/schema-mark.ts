/** The mark of a schema in the registry, which proves that it is ikigai's. */
export interface SchemaMark {
  readonly worktree: string;
  readonly identity: string;
  /** The id of the project secret from which its role's password is derived. */
  readonly secret: string;
  /** When it was retired, as ISO 8601; absent while its worktree exists. */
  readonly retired?: string;
  /** The same by the retention clock, in milliseconds. */
  readonly retiredAt?: number;
  /** The progress of the project's commands for a new schema; absent if there were none. */
  readonly setup?: "pending" | "done" | "failed";
  /** Identifies a run of these commands: each runs once per round. */
  readonly round?: string;
  /** Why the project's commands failed. */
  readonly why?: string;
  /** Whether it was branched with rows; such a schema is not seeded. */
  readonly rows?: boolean;
  /** Why it was created differently than requested. */
  readonly note?: string;
  /** The path of the worktree, shown by `ikigai wt restore --list`. */
  readonly path?: string;
}

const PREFIX = "ikigai:";

export function writeMark(mark: SchemaMark): string {
  return PREFIX + JSON.stringify(mark);
}

/** Parses a mark; undefined if the text is not one. */
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

/** Returns the name of a retired schema and its role, at most 63 bytes long. */
export function retiredName(slug: string, at: Date): string {
  return `retired_${slug.replaceAll("-", "_")}_${at.getTime().toString(36)}`;
}
