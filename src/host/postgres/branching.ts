import { type SchemaMark, writeMark } from "../../model/mark.ts";
import { schemaOf } from "../../model/slug.ts";
import { BranchError, branchSchema, claimReserve, moveExtensions } from "../branch/index.ts";
import type { Postgres } from "./client.ts";
import { createSchema, EXTENSIONS, rekeySchema, roleStatements } from "./schemas.ts";

/** What a new worktree's schema begins as. */
export interface BranchRequest {
  readonly base: string;
  readonly mode: "data" | "structure";
  /** Above this many bytes only the structure is taken. */
  readonly maxBytes: number;
  readonly lockTimeoutMs: number;
  /** From 0 to 1, while it lasts. */
  readonly onProgress: (fraction: number) => void;
  /** What a person should know, such as that the base was too large for its rows. */
  readonly onNote: (text: string) => void;
}

/**
 * Makes a worktree's schema a branch of another's; an empty one where the base
 * has none. Whole or not at all.
 *
 * @throws BranchError when the base holds something that cannot be branched, or is busy
 */
export async function createBranch(
  postgres: Postgres,
  mark: SchemaMark,
  password: string,
  request: BranchRequest,
): Promise<void> {
  const target = schemaOf(mark.worktree);
  const base = schemaOf(request.base);
  if (await isEmpty(postgres, base)) return createSchema(postgres, mark, password);
  for (const text of await gatherExtensions(postgres, base)) request.onNote(text);
  if (request.mode === "data" && (await claim(postgres, mark, password, base))) return;
  await postgres.run(roleStatements(target, password));
  try {
    const report = await branchSchema(() => postgres.connect(), {
      base,
      target,
      owner: target,
      mode: request.mode,
      maxBytes: request.maxBytes,
      lockTimeoutMs: request.lockTimeoutMs,
      mark: writeMark(mark),
      onProgress: ({ phase, done, total }) =>
        request.onProgress(phase === "rows" && total > 0 ? (0.9 * done) / total : SHARE[phase]),
    });
    if (report.reason) request.onNote(`only the structure was taken: ${report.reason}`);
  } catch (error) {
    if (!(error instanceof BranchError) || error.code !== "missing") throw error;
    await createSchema(postgres, mark, password);
  }
}

/** Whether a schema is not there, or is as it was made: nothing lies in it, and nobody was let in. */
async function isEmpty(postgres: Postgres, schema: string): Promise<boolean> {
  const found = await postgres.query(
    `SELECT FROM pg_namespace n
      WHERE n.nspname = $1
        AND (n.nspacl IS NOT NULL OR EXISTS (SELECT FROM pg_depend d
              WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = n.oid))`,
    [schema],
  );
  return found.length === 0;
}

/**
 * Extensions belong to all worktrees, so they lie in one schema: dropping a
 * worktree's would take their types and functions from the others.
 *
 * @returns what could not be moved, and why
 */
export async function gatherExtensions(postgres: Postgres, schema: string): Promise<string[]> {
  const moves = await postgres.use((client) => moveExtensions(client, schema, EXTENSIONS));
  return moves.flatMap(({ extension, moved, why }) =>
    moved ? [] : [`the extension ${extension} lies in ${schema}: ${why}`],
  );
}

/** Takes the branch that lies ready, when it is proven to be the base as it is now. */
async function claim(
  postgres: Postgres,
  mark: SchemaMark,
  password: string,
  base: string,
): Promise<boolean> {
  const target = schemaOf(mark.worktree);
  // Without a secret's name the mark says that the role has no password yet, whatever happens now.
  const unkeyed = writeMark({ ...mark, secret: "" });
  const result = await postgres.use((client) =>
    claimReserve(client, { base, target, owner: target, mark: unkeyed }),
  );
  if (result.claimed) await rekeySchema(postgres, mark, password);
  return result.claimed;
}

/** How far a branch is at the beginning of a phase. */
const SHARE = { structure: 0, rows: 0, indexes: 0.9, publish: 0.99 } as const;
