import type { Bench } from "./bench.ts";

/** What a row promises. Values are in the row's unit. */
export type Target =
  /** Beyond the baseline's own median and 95th percentile. */
  | { readonly kind: "over"; readonly median: number; readonly p95?: number }
  /** The median by itself. */
  | { readonly kind: "most"; readonly value: number }
  /** The median as a multiple of the baseline's. */
  | { readonly kind: "times"; readonly most: number }
  /** The median as a share of the baseline's. */
  | { readonly kind: "share"; readonly least: number };

export type Unit = "ms" | "MB" | "% of a core" | "requests/s" | "requests";

/** What a row's run gives: one number a round for each side. */
export interface Measured {
  readonly ikigai: readonly number[];
  readonly baseline?: readonly number[];
  /** The same work done by other tools, by their names. */
  readonly peers?: Readonly<Record<string, readonly number[]>>;
  /** What a reader of the figure has to know. */
  readonly notes?: readonly string[];
}

/** One line of the table. A file in bench/ exports its rows as `rows`. */
export interface Row {
  /** What `--only` and the JSON call it. */
  readonly name: string;
  readonly title: string;
  /** What the figure is compared with. */
  readonly baseline?: string;
  readonly unit: Unit;
  readonly target: Target;
  /** Takes minutes: `--quick` leaves it out. */
  readonly slow?: boolean;
  /** A string says why it cannot be measured on this machine. */
  run(bench: Bench): Promise<Measured | string>;
}
