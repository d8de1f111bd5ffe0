import type pg from "pg";
import { type Ledger, type Mark, NOTHING } from "./ledger.ts";
import { schemaOf } from "./leftovers.ts";

const ROWS = 50;

type Using = <T>(work: (client: pg.Client) => Promise<T>) => Promise<T>;

/** Data of a removed worktree. */
interface Aside {
  readonly worktree: string;
  readonly mark: Mark;
  schema?: string;
  /** All its rows were seen; nobody writes there. */
  whole?: boolean;
}

/** The rows that must be in each schema, and in those that were put aside. */
export class Rows implements AsyncDisposable {
  readonly #ledger: Ledger;
  readonly #using: Using;
  /** Schemas that have a table of their own, with so many rows for good. */
  readonly #precious = new Set<string>();
  /** What main had when a worktree was begun. */
  readonly #marks = new Map<string, Mark>();
  readonly #aside: Aside[] = [];

  constructor(ledger: Ledger, using: Using) {
    this.#ledger = ledger;
    this.#using = using;
  }

  /** Puts rows into every worktree's schema, to be there for good, and goes on writing into main's. */
  async begin(worktrees: Iterable<string>): Promise<void> {
    for (const worktree of worktrees) {
      const table = `"${schemaOf(worktree)}".precious`;
      await this.#using((client) =>
        client.query(
          `CREATE TABLE ${table} AS SELECT generate_series(1, ${ROWS}) AS n; ALTER TABLE ${table} OWNER TO "${schemaOf(worktree)}"`,
        ),
      );
      this.#precious.add(worktree);
    }
    await this.#ledger.start();
  }

  /** How many rows were acknowledged. */
  get written(): number {
    return this.#ledger.mark.rows;
  }

  /** Before a worktree is added off main. */
  added(worktree: string): void {
    this.#marks.set(worktree, this.#ledger.mark);
  }

  /** Before a worktree is removed. */
  removed(worktree: string): void {
    const mark = this.#marks.get(worktree) ?? NOTHING;
    this.#marks.delete(worktree);
    this.#aside.push({ worktree, mark });
  }

  /** The data that were put aside last are the worktree's again. */
  restored(worktree: string): void {
    const at = this.#aside.findLastIndex((one) => one.worktree === worktree);
    const [one] = at < 0 ? [] : this.#aside.splice(at, 1);
    this.#marks.set(worktree, one?.mark ?? NOTHING);
  }

  /** Rows that were acknowledged and are not there. */
  async lost(client: pg.Client, worktrees: ReadonlySet<string>): Promise<string[]> {
    const found: string[] = [];
    const check = async (schema: string, mark: Mark) => {
      const missing = await this.#ledger.missing(client, schema, mark);
      if (missing > 0) found.push(`${missing} of ${mark.rows} rows of ${schema}`);
      return missing === 0;
    };
    for (const worktree of worktrees) {
      const mark = worktree === "main" ? this.#ledger.mark : this.#marks.get(worktree);
      await check(schemaOf(worktree), mark ?? NOTHING);
      if (!this.#precious.has(worktree)) continue;
      const { rows } = await client.query<{ n: number }>(
        `SELECT count(*)::int AS n FROM "${schemaOf(worktree)}".precious`,
      );
      if (rows[0]?.n !== ROWS) found.push(`${worktree} has ${rows[0]?.n} rows of ${ROWS}`);
    }
    await this.#checkAside(client, check, found);
    return found;
  }

  async #checkAside(
    client: pg.Client,
    check: (schema: string, mark: Mark) => Promise<boolean>,
    found: string[],
  ): Promise<void> {
    if (this.#aside.length === 0) return;
    const { rows } = await client.query<{ schema: string }>(
      "SELECT nspname AS schema FROM pg_namespace WHERE nspname LIKE 'retired\\_%' ORDER BY oid",
    );
    const free = new Set(rows.map(({ schema }) => schema));
    for (const { schema } of this.#aside) {
      if (schema && !free.delete(schema)) found.push(`${schema}, which was put aside`);
    }
    for (const one of this.#aside) {
      const prefix = `retired_${one.worktree.replaceAll("-", "_")}_`;
      const schema = one.schema ?? [...free].find((name) => name.startsWith(prefix));
      if (!schema) found.push(`the data of ${one.worktree}, which was removed`);
      else if (free.delete(schema)) one.schema = schema;
      if (schema && !one.whole) one.whole = await check(schema, one.mark);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ledger[Symbol.asyncDispose]();
  }
}
