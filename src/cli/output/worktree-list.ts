import { localTime } from "../../model/local-time.ts";
import { printable, printableJson } from "../../model/printable.ts";
import type { RetiredReport } from "../../model/reports.ts";
import { type Noticed, noticesText } from "./notices.ts";
import { type Colours, worktreeTable } from "./table.ts";

/** What `ikigai wt list` prints: what was asked for, and what is said beside it. */
export interface ListText {
  readonly out: string;
  readonly say: readonly string[];
}

export interface ListAsked {
  readonly json: boolean;
  readonly colours: Colours;
}

/** The same text whether the daemon writes it or, while nothing runs, the command itself. */
export function listText(
  {
    worktrees,
    problems,
    running,
    retired,
  }: Noticed & {
    readonly running: boolean;
    /** Data that was put aside. */
    readonly retired: readonly Going[];
  },
  { json, colours }: ListAsked,
): ListText {
  if (json) return { out: printableJson({ running, problems, worktrees }), say: [] };
  const going = retired.filter(({ soon }) => soon).map(goesLine);
  return {
    out: `${worktreeTable(worktrees, colours)}\n${noticesText({ worktrees, problems }, colours)}`,
    say: running ? going : [stopped(problems)],
  };
}

/** With settings that are not valid a start would refuse. */
function stopped(problems: readonly string[]): string {
  return `  ikigai is not running; next: ${problems.length > 0 ? "mend the settings, then " : ""}ikigai start`;
}

/** What is told of data that goes for good. */
export type Going = Pick<RetiredReport, "name" | "schema" | "goes" | "soon" | "held">;

export function goesLine({ name, schema, goes, held }: Going): string {
  if (held)
    return `  data of ${name} was to go on ${localTime(goes)} and stays: ${printable(held)}`;
  return `  data of ${name} goes on ${localTime(goes)}; to keep it: ikigai wt restore ${schema} --into WORKTREE`;
}
