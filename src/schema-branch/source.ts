import type pg from "pg";
import { BranchError } from "./errors.ts";
import { readHash } from "./inspect/hash.ts";
import { readInventory } from "./inspect/inventory.ts";
import { readSchemaModel } from "./inspect/read.ts";
import { explainLock, lockable, lockTables } from "./lock.ts";
import type { SchemaModel } from "./types.ts";

/** The base at one moment: its structure, and an exported snapshot of its rows. */
export interface Source {
  readonly survey: SchemaModel;
  /** Changes whenever the structure of the base does. */
  readonly hash: string;
  readonly snapshot: string;
}

const TRIES = 3;

/**
 * Opens a transaction on `client` that locks the base's tables and exports a snapshot of them. Tries again if
 * DDL changed the structure meanwhile, for which it compares with what `check`, another connection, sees; or
 * if `join` fails because another session already waits for a table.
 *
 * @throws BranchError `changed` or `busy` after three tries, `missing`
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
      // Compares only what the snapshot shows: objects created since do not matter, changed ones do.
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

/** Returns the digest of a schema's structure as this connection sees it now. */
export async function structureHash(client: pg.Client, namespace: number): Promise<string> {
  return readHash(client, namespace, await readInventory(client, namespace));
}
