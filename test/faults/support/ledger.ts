import { setTimeout as pause } from "node:timers/promises";
import type pg from "pg";

/** What the server had acknowledged at a given time. */
export interface Mark {
  readonly upTo: number;
  readonly rows: number;
}

/** The state before anything was written. */
export const NOTHING: Mark = { upTo: 0, rows: 0 };

/** Commits rows one by one, and records which of them the server has acknowledged. */
export class Ledger implements AsyncDisposable {
  readonly #connect: () => Promise<pg.Client>;
  readonly #schema: string;
  readonly #pace: number;
  /** Sent, but neither acknowledged nor refused: it may or may not be committed. */
  readonly #doubtful: number[] = [];
  #mark = NOTHING;
  #ended = false;
  #writing: Promise<void> = Promise.resolve();

  /** @param pace milliseconds between two rows */
  constructor(connect: () => Promise<pg.Client>, schema: string, pace: number) {
    this.#connect = connect;
    this.#schema = schema;
    this.#pace = pace;
  }

  get mark(): Mark {
    return this.#mark;
  }

  async start(): Promise<void> {
    const client = await this.#connect();
    const table = `"${this.#schema}".ledger`;
    await client.query(
      `CREATE TABLE ${table} (n int PRIMARY KEY); ALTER TABLE ${table} OWNER TO "${this.#schema}"`,
    );
    this.#writing = this.#write(client);
  }

  /** Returns how many rows that were acknowledged by then are missing in a schema. */
  async missing(client: pg.Client, schema: string, mark: Mark): Promise<number> {
    if (mark.rows === 0) return 0;
    try {
      const { rows } = await client.query<{ n: number }>(
        `SELECT count(*)::int AS n FROM "${schema}".ledger WHERE n <= $1 AND n <> ALL ($2)`,
        [mark.upTo, this.#doubtful],
      );
      return mark.rows - (rows[0]?.n ?? 0);
    } catch (error) {
      // 3F000, 42P01: no such schema, no such table.
      if (/^(?:3F000|42P01)$/.test((error as pg.DatabaseError).code ?? "")) return mark.rows;
      throw error;
    }
  }

  async #write(first: pg.Client): Promise<void> {
    let client: pg.Client | undefined = first;
    for (let n = 1; !this.#ended; ) {
      client ??= await this.#connect().catch(() => undefined);
      if (client) {
        try {
          await client.query(`INSERT INTO "${this.#schema}".ledger VALUES ($1)`, [n]);
          this.#mark = { upTo: n, rows: this.#mark.rows + 1 };
        } catch {
          this.#doubtful.push(n);
          void client.end().catch(() => {});
          client = undefined;
        }
        n++;
      }
      await pause(this.#pace);
    }
    await client?.end().catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    await this.#writing;
  }
}
