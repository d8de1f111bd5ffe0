import { type SchemaMark, writeMark } from "../../model/schema-mark.ts";
import { formatSize } from "../../model/size.ts";
import { schemaOf } from "../../model/slug.ts";
import { UserError } from "../../model/user-error.ts";
import {
  BranchError,
  branchSchema,
  claimReserve,
  describeNotes,
  refusals,
  surveySchema,
} from "../../schema-branch/index.ts";
import type { BranchProgress } from "./branch-progress.ts";
import type { Postgres } from "./client.ts";
import { moveMisplacedExtensions } from "./extensions.ts";
import { createSchema, resetRolePassword, roleStatements } from "./schemas.ts";

/** What a new worktree's schema is created from. */
export interface BranchRequest {
  readonly base: string;
  readonly mode: "data" | "structure";
  /** With more than this many bytes of rows only the structure is copied. */
  readonly maxBytes: number;
  readonly lockTimeoutMs: number;
}

/**
 * Creates a worktree's schema as a branch of another's, or an empty one if the base has none. All or nothing.
 * Returns the mark that was written.
 *
 * @throws UserError if the base contains something that cannot be branched, or is busy
 */
export async function createBranch(
  postgres: Postgres,
  branching: BranchProgress,
  mark: SchemaMark,
  password: string,
  request: BranchRequest,
): Promise<SchemaMark> {
  const target = schemaOf(mark.worktree);
  const base = schemaOf(request.base);
  if (await isEmpty(postgres, base)) return emptySchema(postgres, mark, password);
  await moveMisplacedExtensions(postgres);
  if (request.mode === "data") {
    const claimed = await claim(postgres, { ...mark, rows: true }, password, base);
    if (claimed) return claimed;
  }
  let written = mark;
  try {
    await branching.inTurn(async () => {
      await postgres.run(await roleStatements(target, password));
      await branchSchema(() => postgres.connect(), {
        base,
        target,
        owner: target,
        mode: request.mode,
        maxBytes: request.maxBytes,
        lockTimeoutMs: request.lockTimeoutMs,
        mark: (survey) => {
          const { note, ...beginning } = beginningOf(survey.tables, request);
          written = { ...mark, ...beginning, ...noted(note, describeNotes(survey)) };
          return writeMark(written);
        },
        onProgress: ({ phase, done, total }) =>
          branching.set(
            mark.worktree,
            phase === "rows" && total > 0 ? (0.9 * done) / total : SHARE[phase],
          ),
      });
    });
    return written;
  } catch (error) {
    if (!(error instanceof BranchError)) throw error;
    if (error.code === "missing" && (await isEmpty(postgres, base))) {
      return emptySchema(postgres, mark, password);
    }
    throw explained(error, mark);
  }
}

/**
 * Checks, before a schema is retired in favour of a branch, that the branch can be made.
 *
 * @throws UserError that names everything that prevents it
 */
export async function assertBranchable(postgres: Postgres, worktree: string): Promise<void> {
  const base = schemaOf(worktree);
  if (await isEmpty(postgres, base)) return;
  const found = refusals(await postgres.use((client) => surveySchema(client, base)));
  if (found.length === 0) return;
  const lines = found.map(({ kind, object, why, next }) => `  ${kind} ${object}: ${why}. ${next}`);
  throw new UserError(`${base} cannot be branched:\n${lines.join("\n")}`);
}

/** Decides from the base's size whether rows are copied, by the same measure as the branch itself. */
function beginningOf(
  tables: readonly { readonly bytes: number }[],
  { mode, maxBytes }: BranchRequest,
): Pick<SchemaMark, "rows" | "note"> {
  const bytes = tables.reduce((sum, table) => sum + table.bytes, 0);
  if (mode === "structure" || bytes === 0) return { rows: false };
  if (bytes <= maxBytes) return { rows: true };
  const note = `only the structure was taken, as the rows of its base are ${formatSize(bytes)} and database.maxSize is ${formatSize(maxBytes)}`;
  return { rows: false, note };
}

function noted(...parts: (string | undefined)[]): Pick<SchemaMark, "note"> {
  const note = parts.filter((part) => part !== undefined).join("; ");
  return note === "" ? {} : { note };
}

function explained({ code, message, next }: BranchError, { worktree }: SchemaMark): UserError {
  if (code === "refused") {
    const empty = `ikigai db reset ${worktree} --db empty`;
    return new UserError(message, `put it right and it is tried again, or: ${empty}`);
  }
  if (code === "busy" || code === "changed") {
    return new UserError(`${message}; it is tried again by itself`);
  }
  const full = /No space left on device/.test(message);
  return new UserError(
    message,
    full
      ? `make room on the disk, or without rows: ikigai db reset ${worktree} --db structure`
      : next.replace("ikigai db branch", `ikigai db reset ${worktree}`),
  );
}

/** Tells whether a schema does not exist, or contains nothing and has no grants, as when it was created. */
async function isEmpty(postgres: Postgres, schema: string): Promise<boolean> {
  const found = await postgres.read(
    `SELECT FROM pg_namespace n
      WHERE n.nspname = $1
        AND (n.nspacl IS NOT NULL OR EXISTS (SELECT FROM pg_depend d
              WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = n.oid))`,
    [schema],
  );
  return found.length === 0;
}

/** Creates an empty schema; returns the mark that was written. */
export async function emptySchema(
  postgres: Postgres,
  mark: SchemaMark,
  password: string,
): Promise<SchemaMark> {
  const empty = { ...mark, rows: false };
  await createSchema(postgres, empty, password);
  return empty;
}

/**
 * Claims the reserve if it is proven to equal the base as it is now; returns the mark that was written, else
 * undefined.
 */
async function claim(
  postgres: Postgres,
  mark: SchemaMark,
  password: string,
  base: string,
): Promise<SchemaMark | undefined> {
  const target = schemaOf(mark.worktree);
  // An empty secret in the mark says that the role has no password yet, in case of a crash.
  const unkeyed = writeMark({ ...mark, secret: "" });
  const result = await postgres.use((client) =>
    claimReserve(client, { base, target, owner: target, mark: unkeyed }),
  );
  if (!result.claimed) return undefined;
  const claimed = { ...mark, ...noted(result.note) };
  await resetRolePassword(postgres, claimed, password);
  return claimed;
}

/** How far a branch is at the beginning of each phase. */
const SHARE = { structure: 0, rows: 0, indexes: 0.9, publish: 0.99 } as const;
