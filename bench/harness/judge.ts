import type { Measured, Row, Target, Unit } from "./row.ts";
import { type Summary, summarise } from "./statistics.ts";

/** A row with its figures and its verdict. */
export interface Result {
  readonly name: string;
  readonly title: string;
  readonly unit: Unit;
  readonly target: string;
  readonly ikigai?: Summary;
  readonly baseline?: Summary & { readonly what: string };
  readonly peers?: Readonly<Record<string, Summary>>;
  /** The figure that is compared with the target, as text. */
  readonly figure: string;
  readonly verdict: "held" | "missed" | "not measured";
  readonly notes: readonly string[];
  /** Duration of the measurement in seconds. */
  readonly seconds: number;
}

export function judge(row: Row, measured: Measured | string, seconds: number): Result {
  const { name, title, unit, target } = row;
  const base = { name, title, unit, target: describe(target, unit), seconds };
  if (typeof measured === "string") {
    return { ...base, figure: "", verdict: "not measured", notes: [measured] };
  }
  const ikigai = summarise(measured.ikigai);
  const baseline = measured.baseline && summarise(measured.baseline);
  const { figure, held } = compare(target, unit, ikigai, baseline);
  const peers = Object.entries(measured.peers ?? {}).map(([peer, samples]): [string, Summary] => [
    peer,
    summarise(samples),
  ]);
  return {
    ...base,
    ikigai,
    ...(baseline ? { baseline: { ...baseline, what: row.baseline ?? "baseline" } } : {}),
    ...(peers.length > 0 ? { peers: Object.fromEntries(peers) } : {}),
    figure,
    verdict: held ? "held" : "missed",
    notes: measured.notes ?? [],
  };
}

function compare(
  target: Target,
  unit: Unit,
  ikigai: Summary,
  baseline: Summary | undefined,
): { figure: string; held: boolean } {
  const median = baseline?.median ?? Number.NaN;
  switch (target.kind) {
    case "most":
      return { figure: number(ikigai.median, unit), held: ikigai.median <= target.value };
    case "times": {
      const times = ikigai.median / median;
      return { figure: `× ${times.toFixed(2)}`, held: times <= target.most };
    }
    case "share": {
      const share = ikigai.median / median;
      return { figure: share.toFixed(2), held: share >= target.least };
    }
    case "over": {
      const over = ikigai.median - median;
      const late = ikigai.p95 - (baseline?.p95 ?? Number.NaN);
      const tail = target.p95 === undefined ? "" : `, 95th ${signed(late, unit)}`;
      const held = over <= target.median && (target.p95 === undefined || late <= target.p95);
      return { figure: `${signed(over, unit)}${tail}`, held };
    }
  }
}

function describe(target: Target, unit: Unit): string {
  switch (target.kind) {
    case "most":
      return `≤ ${number(target.value, unit)}`;
    case "times":
      return `≤ × ${target.most}`;
    case "share":
      return `≥ ${target.least}`;
    case "over":
      return `≤ ${signed(target.median, unit)}${target.p95 === undefined ? "" : `, 95th ≤ ${signed(target.p95, unit)}`}`;
  }
}

function signed(value: number, unit: Unit): string {
  return `${value < 0 ? "−" : "+"} ${number(Math.abs(value), unit)}`;
}

export function number(value: number, unit: Unit): string {
  const digits =
    Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) < 1 ? 2 : 1;
  return `${value.toFixed(digits)} ${unit}`;
}
