import type pg from "pg";
import type { Inventory } from "./inspect/inventory.ts";
import type { Refusal } from "./refusal.ts";
import type { ReadableRelation } from "./relation.ts";

/** Opens a connection to the project's database as the cluster's owner (superuser). */
export type Connect = () => Promise<pg.Client>;

/**
 * When a statement may run: `early` before any row is copied, `any` as soon as something needs it, `late`
 * after the rows (it would slow the copy or act on it), `last` when everything else is built.
 */
export type Phase = "early" | "any" | "late" | "last";

/** One step of a build: its statements and dependencies. */
export interface BuildStep {
  /** `catalog:oid` of the object in the base, or that with a suffix for a second step on it. */
  readonly key: string;
  readonly kind: string;
  /** Its name for people, without the schema: `orders`, `orders.id`, `total(integer)`. */
  readonly name: string;
  readonly sql: readonly string[];
  /** Whether the cluster's owner runs them: only what no other role may, and what evaluates nothing. */
  readonly privileged?: boolean;
  /** Changes to the catalogs that the cluster's owner makes after `sql`. */
  readonly marks?: readonly string[];
  /** Statements that set the owner, and then the privileges; both run when nothing is evaluated any more. */
  readonly owner?: readonly string[];
  readonly grants?: readonly string[];
  /** A table's first statement without its columns: the parts before and after them. */
  readonly frame?: readonly [string, string];
  readonly needs: readonly string[];
  readonly phase: Phase;
  /** The table that the statements lock, if one connection may run them in parallel with others. */
  readonly table?: string;
}

/** Something about a branch that users should know. */
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
  /** False if a rule, trigger or check would act on rows that are copied into the finished branch. */
  readonly quiet: boolean;
  readonly columns: readonly { readonly name: string; readonly value: string }[];
}

/** What one catalog's reader and builder contribute. */
export interface PlanPart {
  readonly items: readonly BuildStep[];
  /** Objects that come with another: `[their key, the step's key]`; refused ones with their own key. */
  readonly covers?: readonly (readonly [string, string])[];
  readonly refusals?: readonly Refusal[];
  readonly notes?: readonly Note[];
}

/** A column of OIDs, with the catalog and column that give the schema of their objects. */
export interface Pointer {
  readonly table: number;
  readonly object: string;
  readonly type: string;
  readonly value: string;
  readonly catalog: string;
  readonly space: string;
}

/** Everything the catalogs say about a schema, with definitions under the name `as`. */
export interface SchemaModel {
  readonly schema: string;
  readonly oid: number;
  readonly as: string;
  /** The role that reads it: the cluster's owner. */
  readonly reader: string;
  /** The schema's owner, and the role that replaces it in the definitions. */
  readonly owner: string;
  readonly role: string;
  /** In an order in which they can be built; `early` comes first, with what it needs. */
  readonly early: readonly BuildStep[];
  readonly late: readonly BuildStep[];
  readonly last: readonly BuildStep[];
  readonly tables: readonly CopyTable[];
  /** The sequences, including those of identity columns. */
  readonly sequences: readonly { readonly oid: number; readonly name: string }[];
  readonly matviews: readonly string[];
  /** Whether functions contain the name `as` as text, which must be replaced when the schema is renamed. */
  readonly texts: boolean;
  /** Columns whose values have to be checked. */
  readonly pointers: readonly Pointer[];
  readonly refusals: readonly Refusal[];
  readonly notes: readonly Note[];
  /** Statements for the schema's own privileges. */
  readonly grants: readonly string[];
  /** The objects that were found, from which the structure's digest can be computed again. */
  readonly inventory: Inventory;
  readonly columns: ReadonlyMap<string, readonly { name: string; definition: string }[]>;
  /** Keys (`catalog:oid`) of objects that are built, alone or with another. */
  readonly built: ReadonlySet<string>;
}

/** What to branch, and how. */
export interface BranchOptions {
  readonly base: string;
  readonly target: string;
  /** An existing role; takes the place of the base's owner. */
  readonly owner: string;
  readonly mode: "data" | "structure";
  /** With more than this many bytes of rows only the structure is copied, and the report says so. */
  readonly maxBytes?: number;
  /** How long to wait for a lock on the base; 5 s by default. */
  readonly lockTimeoutMs?: number;
  /** The published schema's mark in the registry, or a function that derives it from the survey. */
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

/** What `branchSchema` built. */
export interface BranchReport {
  readonly target: string;
  readonly mode: "data" | "structure";
  readonly tables: number;
  readonly bytes: number;
  readonly milliseconds: number;
  /** Why the mode differs from the requested one. */
  readonly reason?: string;
  readonly notes: readonly Note[];
}
