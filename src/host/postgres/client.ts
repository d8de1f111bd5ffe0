import pg from "pg";
import { UserError } from "../../model/user-error.ts";
import { randomPassword, scramVerifier } from "../../schema-branch/scram.ts";
import { codeOf, realPath } from "../fs/files.ts";
import { OBSERVER, observerStatements } from "./observer.ts";

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

/**
 * The daemon's connections: those of the observer, which only reads, and those of the owner, which
 * steps use that change something. Nothing is connected before it is used.
 */
export class Postgres {
  readonly #owner: pg.Pool;
  readonly #observer: pg.Pool;
  readonly #config: pg.ClientConfig;
  readonly #data: string;
  readonly #observerPassword = randomPassword();
  #observing: Promise<void> | undefined;

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
    this.#owner = this.#pool(this.#config);
    const observer = { user: OBSERVER, password: this.#observerPassword };
    this.#observer = this.#pool({ ...this.#config, ...observer });
  }

  #pool(config: pg.ClientConfig): pg.Pool {
    const pool = new pg.Pool({
      ...config,
      max: 6,
      // A connection costs more than all that a new worktree is asked for.
      min: 1,
      idleTimeoutMillis: 30_000,
      verify: (client, done) => {
        this.#prove(client).then(() => done(), done);
      },
    });
    // An idle connection that the server ends is no event: the next query makes a new one.
    pool.on("error", () => {});
    pool.on("connect", outliveServer);
    return pool;
  }

  /** Rows of one statement that reads, as the observer. */
  async read<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    await this.#admitObserver();
    try {
      return (await this.#observer.query<Row>(text, values)).rows;
    } catch (error) {
      // 28P01: the data is another cluster's, or a daemon before us gave the role its password.
      if (codeOf(error) !== "28P01") throw error;
      this.#observing = undefined;
      await this.#admitObserver();
      return (await this.#observer.query<Row>(text, values)).rows;
    }
  }

  /** Makes the observer's role, with a password that nobody else knows, once. */
  #admitObserver(): Promise<void> {
    this.#observing ??= scramVerifier(this.#observerPassword)
      .then((verifier) => this.run(observerStatements(verifier)))
      .catch((error: unknown) => {
        this.#observing = undefined;
        throw error;
      });
    return this.#observing;
  }

  /** Statements without parameters in one round trip, as the owner; all of them or none (the protocol's simple query). */
  async run(statements: readonly string[]): Promise<void> {
    await this.#owner.query(statements.join(";\n"));
  }

  /** Lends a connection of the owner for work that belongs together. */
  async use<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#owner.connect();
    try {
      return await work(client);
    } finally {
      client.release();
    }
  }

  /** A connection of the owner outside the pool, for work that takes long or owns its session. */
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
    await Promise.all([this.#owner.end(), this.#observer.end()]);
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
