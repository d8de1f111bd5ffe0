import pg from "pg";
import { UserError } from "../../model/user-error.ts";
import { randomPassword, scramVerifier } from "../../schema-branch/scram.ts";
import { codeOf, realPath } from "../fs/files.ts";
import { OBSERVER, observerStatements } from "./observer.ts";

/** How to connect to the project's server as the owner. */
export interface OwnerConnection {
  /** The directory of the server's Unix socket. */
  readonly host: string;
  readonly port: number;
  /** Called for each new connection. */
  readonly password: () => string;
  /** The data directory that the server must have: another project's may answer on the port. */
  readonly data: string;
}

/**
 * The daemon's connections: the observer's, which can only read, and the owner's, for steps that change
 * something. Connects on first use.
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
      // Opening a connection costs more than all queries for a new worktree.
      min: 1,
      idleTimeoutMillis: 30_000,
      verify: (client, done) => {
        this.#prove(client).then(() => done(), done);
      },
    });
    // Ignores idle connections that the server closes; the next query opens a new one.
    pool.on("error", () => {});
    pool.on("connect", outliveServer);
    return pool;
  }

  /** Runs one reading statement as the observer and returns its rows. */
  async read<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    await this.#admitObserver();
    try {
      return (await this.#observer.query<Row>(text, values)).rows;
    } catch (error) {
      // 28P01: the data is another cluster's, or an earlier daemon set the role's password.
      if (codeOf(error) !== "28P01") throw error;
      this.#observing = undefined;
      await this.#admitObserver();
      return (await this.#observer.query<Row>(text, values)).rows;
    }
  }

  /** Creates the observer's role once, with a random password of this process. */
  #admitObserver(): Promise<void> {
    this.#observing ??= scramVerifier(this.#observerPassword)
      .then((verifier) => this.run(observerStatements(verifier)))
      .catch((error: unknown) => {
        this.#observing = undefined;
        throw error;
      });
    return this.#observing;
  }

  /**
   * Runs statements without parameters as the owner, in one round trip; all of them or none (the protocol's
   * simple query).
   */
  async run(statements: readonly string[]): Promise<void> {
    await this.#owner.query(statements.join(";\n"));
  }

  /** Lends one of the owner's connections for statements that belong together. */
  async use<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#owner.connect();
    try {
      return await work(client);
    } finally {
      client.release();
    }
  }

  /** Opens an owner's connection outside of the pool, for long work or work that needs its own session. */
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

  /** Checks the server's data directory, because owner and password may be the same in every project. */
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
 * Ignores a server that dies between two queries on a lent connection: the next query fails anyway, and an
 * unhandled `error` event would end the daemon.
 */
function outliveServer(client: pg.ClientBase): void {
  client.on("error", () => {});
}

/** Another server listens on our port. We change nothing in it. */
class ForeignServer extends UserError {
  constructor(data: string) {
    super(
      `Another Postgres, with its data in ${data}, answers on this project's port.`,
      "stop it, or set postgres.port in .ikigairc.json and type: ikigai restart",
    );
  }
}

/** Tells whether the server cannot be reached or is starting, as opposed to rejecting a statement. */
export function isUnreachable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof AggregateError) return error.errors.some(isUnreachable);
  const code = "code" in error ? String(error.code) : "";
  // Errors of system calls; those on files have most of these codes as well.
  if ("syscall" in error) {
    const connecting = error.syscall === "connect";
    const lost = /^(ECONNREFUSED|ECONNRESET|EPIPE)$/.test(code) && !("path" in error);
    return lost || (connecting && /^(ECONNREFUSED|ECONNRESET|ENOENT|EPIPE|ETIMEDOUT)$/.test(code));
  }
  return /^57P0[1-3]$/.test(code) || (code === "" && DRIVERS_WORDS.test(error.message));
}

/** Messages of pg and pg-pool for a connection that ended or was not established. */
const DRIVERS_WORDS =
  /^(Connection terminated|timeout expired|timeout exceeded when trying to connect|Query read timeout|Client .* is not queryable)/;
