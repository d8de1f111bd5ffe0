import { appendFileSync } from "node:fs";
import { expect } from "vitest";

/** One line of the table of faults. */
export interface Row {
  readonly fault: string;
  /** Recovery time in milliseconds; absent where there is nothing to recover. */
  readonly recovery?: number;
  readonly lost?: string;
  readonly left?: string;
  readonly note?: string;
}

/** Counts in a project: lost rows, and leftovers. */
export interface Count {
  readonly lost: readonly string[];
  readonly left: readonly string[];
}

let latest: { readonly test: string | undefined; readonly count: Count } | undefined;

/** Records the last counts, for this test's report. */
export function keepCount(count: Count): void {
  latest = { test: expect.getState().currentTestName, count };
}

/** Reports a line to `npm run test:faults`, which prints the table. */
export function tell(row: Row): void {
  const of = (list: readonly string[]) => list.join("; ") || "nothing";
  const counted = latest?.test === expect.getState().currentTestName ? latest?.count : undefined;
  const whole = counted ? { lost: of(counted.lost), left: of(counted.left), ...row } : row;
  const file = process.env.IKIGAI_FAULTS_TABLE;
  if (file) appendFileSync(file, `${JSON.stringify(whole)}\n`);
  else {
    const { fault, recovery, lost = "-", left = "-", note } = whole;
    const time = recovery === undefined ? "-" : `${Math.round(recovery)} ms`;
    console.log(`${fault}: ${time}, lost ${lost}, left ${left}${note ? ` (${note})` : ""}`);
  }
}
