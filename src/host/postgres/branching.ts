import { type SchemaMark, writeMark } from "../../model/mark.ts";
import { schemaOf } from "../../model/slug.ts";
import { BranchError } from "../branch/errors.ts";
import { type BranchReport, branchSchema } from "../branch/index.ts";
import type { Postgres } from "./client.ts";
import { createSchema, roleStatements } from "./schemas.ts";

/** What a new worktree's schema begins as. */
export interface BranchRequest {
  readonly base: string;
  readonly mode: "data" | "structure";
  /** Above this many bytes only the structure is taken. */
  readonly maxBytes: number;
  readonly lockTimeoutMs: number;
  /** From 0 to 1, while it lasts. */
  readonly onProgress: (fraction: number) => void;
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
): Promise<BranchReport | undefined> {
  const target = schemaOf(mark.worktree);
  await postgres.run(roleStatements(target, password));
  try {
    return await branchSchema(() => postgres.connect(), {
      base: schemaOf(request.base),
      target,
      owner: target,
      mode: request.mode,
      maxBytes: request.maxBytes,
      lockTimeoutMs: request.lockTimeoutMs,
      mark: writeMark(mark),
      onProgress: ({ phase, done, total }) =>
        request.onProgress(phase === "rows" && total > 0 ? (0.9 * done) / total : SHARE[phase]),
    });
  } catch (error) {
    if (!(error instanceof BranchError) || error.code !== "missing") throw error;
    await createSchema(postgres, mark, password);
    return undefined;
  }
}

/** How far a branch is at the beginning of a phase. */
const SHARE = { structure: 0, rows: 0, indexes: 0.9, publish: 0.99 } as const;
