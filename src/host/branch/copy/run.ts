import type pg from "pg";
import { BranchError, sqlState } from "../errors.ts";
import type { Item } from "../types.ts";

/** Statements are sent this many items at a time: few round trips, and few locks held at once. */
const BATCH = 100;

/** Runs items in order, each batch a transaction of its own. */
export async function runItems(
  client: pg.Client,
  items: readonly Item[],
  onDone: (count: number) => void = () => undefined,
): Promise<void> {
  for (let at = 0; at < items.length; at += BATCH) {
    const batch = items.slice(at, at + BATCH);
    const text = batch.flatMap((item) => item.sql).join(";\n");
    if (text === "") continue;
    try {
      await client.query(text);
    } catch (error) {
      const state = sqlState(error) ?? "";
      // A lock, a deadlock or a full disk (class 53) is not the object's fault: another try may help.
      if (["55P03", "40P01", "57014"].includes(state) || state.startsWith("53")) throw error;
      throw await blame(client, batch, error);
    }
    onDone(batch.length);
  }
}

/** Finds the statement of a failed batch, so that the error names the object. */
async function blame(client: pg.Client, batch: readonly Item[], error: unknown): Promise<unknown> {
  const text = error instanceof Error ? error.message : String(error);
  try {
    await client.query("BEGIN");
    for (const item of batch)
      for (const sql of item.sql)
        try {
          await client.query(sql);
        } catch (cause) {
          const why = cause instanceof Error ? cause.message : String(cause);
          return new BranchError(
            "failed",
            `The ${item.kind} ${item.name} could not be built: ${why}`,
            {
              next: "put it right in the base, then: ikigai db branch",
              cause,
            },
          );
        }
  } catch {
    // The connection is gone: the first error says why.
  } finally {
    await client.query("ROLLBACK").catch(() => undefined);
  }
  return new BranchError("failed", `The branch could not be built: ${text}`, {
    next: "ikigai db branch",
    cause: error,
  });
}
