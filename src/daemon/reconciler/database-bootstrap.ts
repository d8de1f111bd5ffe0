import { isUnreachable, type Postgres } from "../../host/postgres/client.ts";
import { errorMessage } from "../../host/postgres/error-message.ts";
import { sweepRoles } from "../../host/postgres/roles.ts";
import { prepareDatabase } from "../../host/postgres/schemas.ts";
import type { Journal } from "../../model/journal.ts";
import { type Slug, schemaOf } from "../../model/slug.ts";
import { sweepBuilds } from "../../schema-branch/index.ts";

/** What a database needs once, before its first schema. */
export class DatabaseBootstrap {
  readonly #postgres: Postgres;
  readonly #live: () => readonly Slug[];
  readonly #journal: Journal;
  #done = false;
  #running: Promise<void> | undefined;
  /** Why it could not be, as it was told last. */
  #told = "";

  /** `live`: the worktrees whose roles are in use. */
  constructor(postgres: Postgres, live: () => readonly Slug[], journal: Journal) {
    this.#postgres = postgres;
    this.#live = live;
    this.#journal = journal;
  }

  get done(): boolean {
    return this.#done;
  }

  /** Tries until it was done once. Never throws: everything but the schemas can be brought in line all the same. */
  attempt(): Promise<void> {
    if (this.#done) return Promise.resolve();
    // Looks at several worktrees begin together, and two of these would stand in each other's way.
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
      if (!isUnreachable(error) && why !== this.#told) this.#journal(`database: ${why}`);
      this.#told = why;
    }
  }

  /** Removes what branches left that were cut off by the end of a daemon or of the server. */
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
