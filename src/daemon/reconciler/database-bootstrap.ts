import { isUnreachable, type Postgres } from "../../host/postgres/client.ts";
import { errorMessage } from "../../host/postgres/error-message.ts";
import { sweepRoles } from "../../host/postgres/roles.ts";
import { prepareDatabase } from "../../host/postgres/schemas.ts";
import type { Journal } from "../../model/journal.ts";
import { type Slug, schemaOf } from "../../model/slug.ts";
import { sweepBuilds } from "../../schema-branch/index.ts";

/** Prepares the database once per start of the daemon, before any schema is created. */
export class DatabaseBootstrap {
  readonly #postgres: Postgres;
  readonly #live: () => readonly Slug[];
  readonly #journal: Journal;
  #done = false;
  #running: Promise<void> | undefined;
  /** The error that was logged last. */
  #logged = "";

  /** @param live returns the worktrees whose roles are in use */
  constructor(postgres: Postgres, live: () => readonly Slug[], journal: Journal) {
    this.#postgres = postgres;
    this.#live = live;
    this.#journal = journal;
  }

  get done(): boolean {
    return this.#done;
  }

  /**
   * Prepares the database unless done already. Never rejects: everything but schemas can be reconciled
   * without it.
   */
  attempt(): Promise<void> {
    if (this.#done) return Promise.resolve();
    // Several reconciles start at the same time; two concurrent preparations would conflict.
    this.#running ??= this.#attempt().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #attempt(): Promise<void> {
    try {
      await prepareDatabase(this.#postgres);
      await this.sweep();
      this.#done = true;
    } catch (error) {
      const why = errorMessage(error);
      if (!isUnreachable(error) && why !== this.#logged) this.#journal(`database: ${why}`);
      this.#logged = why;
    }
  }

  /** Removes what is left of branches that were interrupted by the end of the daemon or of Postgres. */
  async sweep(): Promise<void> {
    const client = await this.#postgres.connect();
    try {
      await sweepBuilds(client);
    } finally {
      await client.end();
    }
    await sweepRoles(this.#postgres, () => this.#live().map(schemaOf));
  }
}
