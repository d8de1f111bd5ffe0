import { appendFileSync } from "node:fs";

/** One line of the table of faults. */
export interface Row {
  readonly fault: string;
  /** Milliseconds; absent where there is nothing to recover. */
  readonly recovery?: number;
  readonly lost?: string;
  readonly left?: string;
  readonly note?: string;
}

/** Tells `npm run test:faults`, which prints the table. */
export function tell(row: Row): void {
  const file = process.env.IKIGAI_FAULTS_TABLE;
  if (file) appendFileSync(file, `${JSON.stringify(row)}\n`);
  else
    console.log(
      `${row.fault}: ${Math.round(row.recovery ?? 0)} ms${row.note ? ` (${row.note})` : ""}`,
    );
}
