import { moveExtensions } from "../../schema-branch/index.ts";
import type { Postgres } from "./client.ts";
import { EXTENSIONS, IS_MISPLACED } from "./extension-trigger.ts";

/** An extension in the wrong schema that cannot be moved. */
export interface MisplacedExtension {
  readonly schema: string;
  /** What is wrong and what to do, for people. */
  readonly text: string;
}

/**
 * Moves extensions into their common schema and returns those that cannot be moved. Extensions are shared by
 * all worktrees: dropping the schema of one would take the extension's types and functions from the others.
 */
export async function moveMisplacedExtensions(postgres: Postgres): Promise<MisplacedExtension[]> {
  const misplaced = await postgres.read<{ schema: string }>(
    `SELECT DISTINCT n.nspname AS schema FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE ${IS_MISPLACED}`,
  );
  const unmovable: MisplacedExtension[] = [];
  for (const { schema } of misplaced) {
    const moves = await postgres.use((client) => moveExtensions(client, schema, EXTENSIONS));
    for (const { extension, moved, why } of moves) {
      if (moved) continue;
      const text = `the extension ${extension} lies in ${schema}, where other worktrees cannot use it and it goes with the schema: ${why}`;
      unmovable.push({ schema, text });
    }
  }
  return unmovable;
}
