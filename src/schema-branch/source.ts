import type pg from "pg";
import { BranchError } from "./errors.ts";
import { readHash } from "./inspect/hash.ts";
import { readInventory } from "./inspect/inventory.ts";
import { readSchemaModel } from "./inspect/read.ts";
import { explainLock, lockable, lockTables } from "./lock.ts";
import type { SchemaModel } from "./types.ts";

/** One moment of the base: its structure, and a snapshot of its rows that others can share. */
export interface Source {
  readonly survey: SchemaModel;
  /** Changes whenever the structure of the base does. */
  readonly hash: string;
  readonly snapshot: string;
}

const TRIES = 3;

/**
 * Opens a transaction on `client` that holds the base's tables and one snapshot of them.
 * `check` is asked to compare the structure as others see it now; DDL in between means another try.
 * So does somebody who began to wait for a table before the worker could `join` in.
 */
export async function openSource(
  client: pg.Client,
  options: { schema: string; as: string; role: string | null },
  check: pg.Client,
  join: ((snapshot: string) => Promise<boolean>) | null,
): Promise<Source> {
  for (let attempt = 1; ; attempt++) {
    const tables = await lockable(client, options.schema);
    try {
      await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
      await lockTables(client, options.schema, [...tables.values()]);
      const { rows } = await client.query<{ snapshot: string }>(
        "SELECT pg_export_snapshot() AS snapshot",
      );
      const snapshot = rows[0]?.snapshot ?? "";
      if (join && !(await join(snapshot))) {
        await client.query("ROLLBACK");
        if (attempt < TRIES) continue;
        throw new BranchError("busy", `Others wait for tables of ${options.schema}.`, {
          next: "wait until they have ended, then: ikigai db branch",
          retryable: true,
        });
      }
      const survey = await readSchemaModel(client, options);
      const same = survey.tables.every((table) => tables.has(table.oid));
      // Of what the snapshot shows: what has come since does not matter, what has changed does.
      const digest = (asked: pg.Client) => readHash(asked, survey.oid, survey.inventory);
      const [hash, now] = await Promise.all([digest(client), digest(check)]);
      if (same && hash === now) return { survey, hash, snapshot };
    } catch (error) {
      await client.query("ROLLBACK");
      const explained = await explainLock(client, options.schema, error);
      if (attempt >= TRIES || !(explained instanceof BranchError) || explained.code !== "changed")
        throw explained;
      continue;
    }
    await client.query("ROLLBACK");
    if (attempt >= TRIES)
      throw new BranchError(
        "changed",
        `The structure of ${options.schema} keeps changing while it is read.`,
        {
          next: "wait until the migration has ended, then: ikigai db branch",
          retryable: true,
        },
      );
  }
}

/** The digest of a schema's structure as this connection sees it now. */
export async function structureHash(client: pg.Client, namespace: number): Promise<string> {
  return readHash(client, namespace, await readInventory(client, namespace));
}
