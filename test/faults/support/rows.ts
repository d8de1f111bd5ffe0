import type pg from "pg";
import { type Ledger, type Mark, NOTHING } from "./ledger.ts";
import { schemaOf } from "./leftovers.ts";

const ROWS = 50;

type Using = <T>(work: (client: pg.Client) => Promise<T>) => Promise<T>;

/** A schema whose worktree was removed, or whose data was replaced. */
interface Aside {
  readonly mark: Mark;
  /** All its rows were found, and no client writes to it. */
  isWhole: boolean;
}

/** The rows that must be in each schema, retired ones included. */
export class Rows implements AsyncDisposable {
  readonly #ledger: Ledger;
  readonly #using: Using;
  /** Schemas with a table of their own, and its permanent number of rows. */
  readonly #precious = new Set<string>();
  /** What main had when a worktree was added. */
  readonly #marks = new Map<string, Mark>();
  /** By the schema's OID, which a rename does not change. */
  readonly #aside = new Map<number, Aside>();

  constructor(ledger: Ledger, using: Using) {
    this.#ledger = ledger;
    this.#using = using;
  }

  /** Inserts permanent rows into every worktree's schema, and keeps writing to main's. */
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

  /** Before a worktree is removed: its present rows must stay. Throws while the server is down. */
  async removing(worktree: string): Promise<void> {
    const mark = this.#marks.get(worktree) ?? NOTHING;
    const oid = await this.#oidOf(worktree);
    if (oid !== undefined && !this.#aside.has(oid)) this.#aside.set(oid, { mark, isWhole: false });
    this.#marks.delete(worktree);
  }

  /** Before a worktree gets older data of its name; false when it has no schema yet. */
  async restoring(worktree: string): Promise<boolean> {
    if ((await this.#oidOf(worktree)) === undefined) return false;
    await this.removing(worktree);
    return true;
  }

  async #oidOf(worktree: string): Promise<number | undefined> {
    const { rows } = await this.#using((client) =>
      client.query<{ oid: number }>("SELECT oid::int FROM pg_namespace WHERE nspname = $1", [
        schemaOf(worktree),
      ]),
    );
    return rows[0]?.oid;
  }

  /** Counts acknowledged rows that are missing. */
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

  /** Each schema is searched once, and must exist from then on. */
  async #checkAside(
    client: pg.Client,
    check: (schema: string, mark: Mark) => Promise<boolean>,
    found: string[],
  ): Promise<void> {
    if (this.#aside.size === 0) return;
    const { rows } = await client.query<{ oid: number; name: string }>(
      "SELECT oid::int, nspname AS name FROM pg_namespace WHERE oid = ANY ($1)",
      [[...this.#aside.keys()]],
    );
    const names = new Map(rows.map(({ oid, name }) => [oid, name]));
    for (const [oid, one] of this.#aside) {
      const name = names.get(oid);
      if (name === undefined) found.push(`a schema of ${one.mark.rows} rows, put aside`);
      else if (!one.isWhole) one.isWhole = await check(name, one.mark);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ledger[Symbol.asyncDispose]();
  }
}
