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

/** What a new worktree's schema begins as. */
export interface BranchRequest {
  readonly base: string;
  readonly mode: "data" | "structure";
  /** Above this many bytes of rows only the structure is taken. */
  readonly maxBytes: number;
  readonly lockTimeoutMs: number;
}

/**
 * Makes a worktree's schema a branch of another's; an empty one where the base
 * has none. Whole or not at all. Answers what was written on it.
 *
 * @throws UserError when the base holds something that cannot be branched, or is busy
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
 * For who is about to put a schema aside for a branch that cannot be made.
 *
 * @throws UserError that names all that is in the way
 */
export async function assertBranchable(postgres: Postgres, worktree: string): Promise<void> {
  const base = schemaOf(worktree);
  if (await isEmpty(postgres, base)) return;
  const found = refusals(await postgres.use((client) => surveySchema(client, base)));
  if (found.length === 0) return;
  const lines = found.map(({ kind, object, why, next }) => `  ${kind} ${object}: ${why}. ${next}`);
  throw new UserError(`${base} cannot be branched:\n${lines.join("\n")}`);
}

/** What came along, by the same measure by which it is decided what does. */
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

/** Whether a schema is not there, or is as it was made: nothing lies in it, and nobody was let in. */
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

/** A schema that begins with nothing; answers what was written on it. */
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
 * Takes the branch that lies ready, when it is proven to be the base as it is now; answers what was
 * written on it then.
 */
async function claim(
  postgres: Postgres,
  mark: SchemaMark,
  password: string,
  base: string,
): Promise<SchemaMark | undefined> {
  const target = schemaOf(mark.worktree);
  // Without a secret's name the mark says that the role has no password yet, whatever happens now.
  const unkeyed = writeMark({ ...mark, secret: "" });
  const result = await postgres.use((client) =>
    claimReserve(client, { base, target, owner: target, mark: unkeyed }),
  );
  if (!result.claimed) return undefined;
  const claimed = { ...mark, ...noted(result.note) };
  await resetRolePassword(postgres, claimed, password);
  return claimed;
}

/** How far a branch is at the beginning of a phase. */
const SHARE = { structure: 0, rows: 0, indexes: 0.9, publish: 0.99 } as const;
