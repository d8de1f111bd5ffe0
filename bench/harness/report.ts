import Table from "cli-table3";
import { number, type Result } from "./judge.ts";
import { describeMachine, type Machine } from "./machine.ts";

export interface Run {
  /** ISO 8601. */
  readonly at: string;
  readonly machine: Machine;
  readonly results: readonly Result[];
}

const HEAD = ["what", "ikigai", "compared with", "figure", "target", "held"];

/** Widths of the table's columns in a terminal: 120 with the separators. */
const WIDTHS = [34, 18, 26, 13, 12, 10];
/** The first column separates rows well enough; lines between them would double the height. */
const NO_LINES = { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" };

function cells(result: Result): string[] {
  const { ikigai, baseline, unit } = result;
  const told = (summary: typeof ikigai) => {
    if (!summary) return "";
    const { rounds, median, spread, p95 } = summary;
    if (rounds === 1) return number(median, unit);
    return `${number(median, unit)} ± ${spread.toFixed(1)}, 95th ${number(p95, unit).split(" ")[0]}`;
  };
  const against = baseline ? `${told(baseline)} (${baseline.what})` : "";
  const verdict = { held: "yes", missed: "MISSED", "not measured": "not measured" };
  return [
    result.title,
    told(ikigai),
    against,
    result.figure,
    result.target,
    verdict[result.verdict],
  ];
}

/** Formats a run for a terminal: medians, their spread and the 95th percentiles. */
export function asText({ machine, results }: Run): string {
  const table = new Table({
    head: HEAD,
    style: { head: [], border: [] },
    chars: NO_LINES,
    colWidths: WIDTHS,
    wordWrap: true,
  });
  table.push(...results.map(cells));
  const notes = results.flatMap(({ name, notes, peers, unit }) => [
    ...notes.map((note) => `  ${name}: ${note}`),
    ...Object.entries(peers ?? {}).map(
      ([peer, { median, spread }]) =>
        `  ${name}: ${peer} ${number(median, unit)} ± ${spread.toFixed(1)}`,
    ),
  ]);
  const missed = results.filter(({ verdict }) => verdict === "missed");
  return [
    describeMachine(machine),
    table.toString(),
    ...notes,
    missed.length === 0
      ? "Every target that was measured is held."
      : `Missed: ${missed.map(({ name }) => name).join(", ")}`,
  ].join("\n");
}

const BY_HAND = /^<!-- by hand -->$[\s\S]*?^<!-- end -->$\n/gm;

/** Formats a run for docs/figures.md. Keeps the hand-written parts of the present page, below the table. */
export function asMarkdown({ at, machine, results }: Run, before = ""): string {
  const line = (row: readonly string[]) =>
    `| ${row.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  // The output of a failed program has several lines, which a list item cannot hold.
  const notes = results.flatMap(({ title, notes }) =>
    notes.map((note) => `- ${title}: ${note.split("\n", 1)[0]}`),
  );
  return `# Figures

Measured ${at.slice(0, 10)} on ${describeMachine(machine)}.

Median ± half the distance between the quartiles, and the 95th percentile. Both sides of a comparison take turns in one
run. To measure on your own machine and rewrite this page:

\`\`\`sh
npm run bench -- --write
\`\`\`

${line(HEAD)}
${line(HEAD.map(() => "---"))}
${results.map((result) => line(cells(result))).join("\n")}
${(before.match(BY_HAND) ?? []).map((part) => `\n${part}`).join("")}${notes.length > 0 ? `\n${notes.join("\n")}\n` : ""}`;
}
