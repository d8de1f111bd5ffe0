import type pg from "pg";
import { ident } from "./sql.ts";

/** An extension found in a worktree's schema. */
export interface ExtensionMove {
  readonly extension: string;
  readonly moved: boolean;
  /** Why it was not moved. */
  readonly why?: string;
}

/**
 * Moves extensions from a worktree's schema into the shared one, so that dropping the worktree's schema does
 * not remove their types and functions from other worktrees. Reports those that cannot be moved.
 */
export async function moveExtensions(
  client: pg.Client,
  schema: string,
  sharedSchema: string,
): Promise<ExtensionMove[]> {
  const { rows } = await client.query<{ name: string; relocatable: boolean }>(
    `SELECT e.extname AS name, e.extrelocatable AS relocatable FROM pg_extension e
       JOIN pg_namespace n ON n.oid = e.extnamespace WHERE n.nspname = $1 ORDER BY 1`,
    [schema],
  );
  const moves: ExtensionMove[] = [];
  for (const { name, relocatable } of rows) {
    if (!relocatable) {
      const why = "it cannot be moved: DROP EXTENSION it and create it anew in the shared schema";
      moves.push({ extension: name, moved: false, why });
      continue;
    }
    try {
      await client.query(`ALTER EXTENSION ${ident(name)} SET SCHEMA ${ident(sharedSchema)}`);
      moves.push({ extension: name, moved: true });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      moves.push({ extension: name, moved: false, why });
    }
  }
  return moves;
}
