import type pg from "pg";
import type { Inventory } from "./inspect/inventory.ts";
import type { Refusal } from "./refusal.ts";
import type { ReadableRelation } from "./relation.ts";

/** Opens one connection as the cluster's owner (superuser), to the project's database. */
export type Connect = () => Promise<pg.Client>;

/**
 * When a statement may run: `early` before any row is copied, `any` as soon as something needs
 * it, `late` after the rows (it would slow the copy or act on it), `last` when all else stands.
 */
export type Phase = "early" | "any" | "late" | "last";

/** One thing to build: its statements and what has to stand before. */
export interface BuildStep {
  /** `catalog:oid` of the object in the base, or that with a suffix for a second step on it. */
  readonly key: string;
  readonly kind: string;
  /** What a person calls it, without the schema: `orders`, `orders.id`, `total(integer)`. */
  readonly name: string;
  readonly sql: readonly string[];
  /** Whether the cluster's owner runs them: only what no other may, and what evaluates nothing. */
  readonly privileged?: boolean;
  /** What the catalogs must say besides: the cluster's owner writes it, after `sql`. */
  readonly marks?: readonly string[];
  /** Gives it to its owner, and then to whom it is granted; both when nothing is evaluated any more. */
  readonly owner?: readonly string[];
  readonly grants?: readonly string[];
  /** A table's first statement without its columns: what stands before and behind them. */
  readonly frame?: readonly [string, string];
  readonly needs: readonly string[];
  readonly phase: Phase;
  /** Name of the table that the statements lock, where one connection may do them beside another. */
  readonly table?: string;
}

/** Something that is branched in a way a person should know of. */
export interface Note {
  readonly object: string;
  readonly text: string;
}

/** A table whose rows are copied, with an expression for each column that can be written. */
export interface CopyTable {
  readonly oid: number;
  readonly name: string;
  /** Size of the heap with TOAST, without indexes. */
  readonly bytes: number;
  readonly identity: boolean;
  /** False where a rule, trigger or check would act on rows that are copied once the branch stands. */
  readonly quiet: boolean;
  readonly columns: readonly { readonly name: string; readonly value: string }[];
}

/** What one catalog's reader and builder contribute. */
export interface PlanPart {
  readonly items: readonly BuildStep[];
  /** Objects that come with another: `[their key, the item's key]`; refused ones with themselves. */
  readonly covers?: readonly (readonly [string, string])[];
  readonly refusals?: readonly Refusal[];
  readonly notes?: readonly Note[];
}

/** A column of values that are OIDs, and the catalog and column that say in which schema these lie. */
export interface Pointer {
  readonly table: number;
  readonly object: string;
  readonly type: string;
  readonly value: string;
  readonly catalog: string;
  readonly space: string;
}

/** Everything the catalogs say about a schema, with its definitions under the name `as`. */
export interface SchemaModel {
  readonly schema: string;
  readonly oid: number;
  readonly as: string;
  /** Who reads it: the cluster's owner. */
  readonly reader: string;
  /** The schema's owner, and the role that takes its place in the definitions. */
  readonly owner: string;
  readonly role: string;
  /** In an order in which they can be built, `early` and what it needs first. */
  readonly early: readonly BuildStep[];
  readonly late: readonly BuildStep[];
  readonly last: readonly BuildStep[];
  readonly tables: readonly CopyTable[];
  /** Names of the sequences, those of identity columns included. */
  readonly sequences: readonly { readonly oid: number; readonly name: string }[];
  readonly matviews: readonly string[];
  /** Whether functions hold the name `as` as text: it is replaced once the schema bears another. */
  readonly texts: boolean;
  /** Columns whose values have to be looked at. */
  readonly pointers: readonly Pointer[];
  readonly refusals: readonly Refusal[];
  readonly notes: readonly Note[];
  /** Statements for the schema's own privileges. */
  readonly grants: readonly string[];
  /** What was found; with it, the structure's digest can be asked for again. */
  readonly inventory: Inventory;
  readonly columns: ReadonlyMap<string, readonly { name: string; definition: string }[]>;
  /** Keys (`catalog:oid`) that are built, alone or with another. */
  readonly built: ReadonlySet<string>;
}

export interface BranchOptions {
  readonly base: string;
  readonly target: string;
  /** An existing role; takes the place of the base's owner. */
  readonly owner: string;
  readonly mode: "data" | "structure";
  /** Above this many bytes of rows only the structure is taken, and the report says so. */
  readonly maxBytes?: number;
  /** How long to wait for a lock on the base; 5 s unless given. */
  readonly lockTimeoutMs?: number;
  /** The published schema's mark in the registry; a function of what was read, where it depends on that. */
  readonly mark: string | ((survey: SchemaModel) => string);
  /** The published schema's comment. */
  readonly comment?: (
    survey: SchemaModel,
    hash: string,
    places: ReadonlyMap<number, ReadableRelation>,
  ) => string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

/** `done` and `total` are bytes while rows are copied, statements otherwise. */
export interface Progress {
  readonly phase: "structure" | "rows" | "indexes" | "publish";
  readonly done: number;
  readonly total: number;
}

export interface BranchReport {
  readonly target: string;
  readonly mode: "data" | "structure";
  readonly tables: number;
  readonly bytes: number;
  readonly milliseconds: number;
  /** Why the mode is not the one asked for. */
  readonly reason?: string;
  readonly notes: readonly Note[];
}
