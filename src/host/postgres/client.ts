import pg from "pg";
import { UserError } from "../../model/user-error.ts";
import { realPath } from "../files.ts";

/** How to reach the project's server as its owner. */
export interface OwnerConnection {
  /** The directory of the server's Unix socket. */
  readonly host: string;
  readonly port: number;
  /** Asked for each new connection. */
  readonly password: () => string;
  /** The data directory that the server must have: another project's may answer on the port. */
  readonly data: string;
}

/** Identifiers are quoted by the driver's own rule. */
export const quoteName = pg.escapeIdentifier;
export const quoteText = pg.escapeLiteral;

/** The daemon's connections. Nothing is connected before it is used. */
export class Postgres {
  readonly #pool: pg.Pool;
  readonly #config: pg.ClientConfig;
  readonly #data: string;

  constructor(connection: OwnerConnection) {
    this.#config = {
      host: connection.host,
      port: connection.port,
      user: "ikigai",
      password: connection.password,
      database: "ikigai",
      connectionTimeoutMillis: 5_000,
      application_name: "ikigai",
    };
    this.#data = connection.data;
    this.#pool = new pg.Pool({
      ...this.#config,
      max: 6,
      // A connection costs more than all that a new worktree is asked for.
      min: 1,
      idleTimeoutMillis: 30_000,
      verify: (client, done) => {
        this.#prove(client).then(() => done(), done);
      },
    });
    // An idle connection that the server ends is no event: the next query makes a new one.
    this.#pool.on("error", () => {});
    this.#pool.on("connect", outliveServer);
  }

  /** Rows of one statement. */
  async query<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    return (await this.#pool.query<Row>(text, values)).rows;
  }

  /** Statements without parameters in one round trip; all of them or none (the protocol's simple query). */
  async run(statements: readonly string[]): Promise<void> {
    await this.#pool.query(statements.join(";\n"));
  }

  /** Lends a connection for work that belongs together. */
  async use<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    try {
      return await work(client);
    } finally {
      client.release();
    }
  }

  /** A connection outside the pool, for work that takes long or owns its session. */
  async connect(): Promise<pg.Client> {
    const client = new pg.Client(this.#config);
    outliveServer(client);
    await client.connect();
    try {
      await this.#prove(client);
    } catch (error) {
      await client.end();
      throw error;
    }
    return client;
  }

  /** Owner and password are alike in every project; the data directory is not. */
  async #prove(client: pg.ClientBase): Promise<void> {
    const { rows } = await client.query<{ data_directory: string }>("SHOW data_directory");
    const found = rows[0]?.data_directory ?? "";
    if (realPath(found) !== realPath(this.#data)) throw new ForeignServer(found);
  }

  async end(): Promise<void> {
    await this.#pool.end();
  }
}

/**
 * A server that dies between two queries of a lent connection is no event either: the
 * next query fails by itself, and an `error` that nobody hears would end the daemon.
 */
function outliveServer(client: pg.ClientBase): void {
  client.on("error", () => {});
}

/** Another server has our port. Nothing of it is touched. */
class ForeignServer extends UserError {
  constructor(data: string) {
    super(
      `Another Postgres, with its data in ${data}, answers on this project's port.`,
      "stop it, or set postgres.port in .ikigairc.json and type: ikigai restart",
    );
  }
}

/** True when the server cannot be reached or is starting: nothing is wrong with what was asked. */
export function isUnreachable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof AggregateError) return error.errors.some(isUnreachable);
  const code = "code" in error ? String(error.code) : "";
  // The system's: files have most of these codes as well.
  if ("syscall" in error) {
    const connecting = error.syscall === "connect";
    const lost = /^(ECONNREFUSED|ECONNRESET|EPIPE)$/.test(code) && !("path" in error);
    return lost || (connecting && /^(ECONNREFUSED|ECONNRESET|ENOENT|EPIPE|ETIMEDOUT)$/.test(code));
  }
  return /^57P0[1-3]$/.test(code) || (code === "" && DRIVERS_WORDS.test(error.message));
}

/** What pg and pg-pool say themselves of a connection that ended, or did not come about. */
const DRIVERS_WORDS =
  /^(Connection terminated|timeout expired|timeout exceeded when trying to connect|Query read timeout|Client .* is not queryable)/;
