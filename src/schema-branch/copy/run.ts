import type pg from "pg";
import { BranchError, sqlState } from "../errors.ts";
import type { BuildStep } from "../types.ts";

/** Number of steps sent at a time: few round trips, and few locks held at once. */
const BATCH = 100;

/**
 * The connections that run statements: the worker's, whose rights expressions may have, and the cluster
 * owner's.
 */
export interface Executors {
  readonly worker: pg.Client;
  readonly owner: pg.Client;
}

/** Runs steps in order, each batch in a transaction of its own. */
export async function runItems(
  hands: Executors,
  items: readonly BuildStep[],
  onDone: (count: number) => void = () => undefined,
): Promise<void> {
  for (const batch of batches(items)) {
    const client = batch[0]?.privileged ? hands.owner : hands.worker;
    await send(client, batch, (item) => item.sql);
    await send(hands.owner, batch, (item) => item.marks ?? []);
    onDone(batch.length);
  }
}

/** Runs the cluster owner's statements for each step, when nothing is evaluated any more. */
export async function handOver(
  owner: pg.Client,
  items: readonly BuildStep[],
  statements: (item: BuildStep) => readonly string[],
): Promise<void> {
  const some = items.filter((item) => statements(item).length > 0);
  for (let at = 0; at < some.length; at += BATCH)
    await send(owner, some.slice(at, at + BATCH), statements);
}

/** Groups consecutive steps that run on the same connection. */
function batches(items: readonly BuildStep[]): BuildStep[][] {
  const found: BuildStep[][] = [];
  for (const item of items) {
    const last = found.at(-1);
    const same = last?.[0] && Boolean(last[0].privileged) === Boolean(item.privileged);
    if (last && same && last.length < BATCH) last.push(item);
    else found.push([item]);
  }
  return found;
}

async function send(
  client: pg.Client,
  batch: readonly BuildStep[],
  statements: (item: BuildStep) => readonly string[],
): Promise<void> {
  const text = batch.flatMap(statements).join(";\n");
  if (text === "") return;
  try {
    await client.query(text);
  } catch (error) {
    const state = sqlState(error) ?? "";
    // A lock, a deadlock or a full disk (class 53) is not the object's fault, and a retry may help.
    if (["55P03", "40P01", "57014"].includes(state) || state.startsWith("53")) throw error;
    throw await blame(client, batch, statements, error);
  }
}

/** Finds the failing statement of a batch, so that the error names the object. */
async function blame(
  client: pg.Client,
  batch: readonly BuildStep[],
  statements: (item: BuildStep) => readonly string[],
  error: unknown,
): Promise<unknown> {
  const text = error instanceof Error ? error.message : String(error);
  try {
    await client.query("BEGIN");
    for (const item of batch)
      for (const sql of statements(item))
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
    // The connection is lost; the first error says why.
  } finally {
    await client.query("ROLLBACK").catch(() => undefined);
  }
  return new BranchError("failed", `The branch could not be built: ${text}`, {
    next: "ikigai db branch",
    cause: error,
  });
}
