import type { Bench } from "./bench.ts";

/** A row's target. Values are in the row's unit. */
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

/** The result of a row's run: one number per round for each side. */
export interface Measured {
  readonly ikigai: readonly number[];
  readonly baseline?: readonly number[];
  /** The same work done by other tools, by name. */
  readonly peers?: Readonly<Record<string, readonly number[]>>;
  /** Remarks that a reader of the figure needs. */
  readonly notes?: readonly string[];
}

/** One line of the table. A file in bench/ exports its rows as `rows`. */
export interface Row {
  /** Its name in `--only` and in the JSON. */
  readonly name: string;
  readonly title: string;
  /** The baseline. */
  readonly baseline?: string;
  readonly unit: Unit;
  readonly target: Target;
  /** Takes minutes: `--quick` leaves it out. */
  readonly slow?: boolean;
  /** Why it cannot be measured on this machine, if so. */
  run(bench: Bench): Promise<Measured | string>;
}
