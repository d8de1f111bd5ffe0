import { localTime } from "../../model/local-time.ts";
import { printable, printableJson } from "../../model/printable.ts";
import { type ExpiringData, type Noticed, noticesText } from "./notices.ts";
import { type Colours, worktreeTable } from "./table.ts";

/** The output of `ikigai wt list`: `out` for standard output, `say` for standard error. */
export interface ListText {
  readonly out: string;
  readonly say: readonly string[];
}

export interface ListAsked {
  readonly json: boolean;
  readonly colours: Colours;
}

/** Renders the worktrees, as read from the daemon or from files, as text or JSON. */
export function listText(
  { worktrees, problems, running, expiring = [] }: Noticed & { readonly running: boolean },
  { json, colours }: ListAsked,
): ListText {
  if (json) return { out: printableJson({ running, problems, worktrees }), say: [] };
  return {
    out: `${worktreeTable(worktrees, colours)}\n${noticesText({ worktrees, problems }, colours)}`,
    say: running ? expiring.map(expiryLine) : [stopped(problems)],
  };
}

/** `ikigai start` refuses an invalid configuration, so that has to be fixed first. */
function stopped(problems: readonly string[]): string {
  return `  ikigai is not running; next: ${problems.length > 0 ? "fix the configuration, then " : ""}ikigai start`;
}

/** Says when retired data expires, or why expired data has not been dropped. */
export function expiryLine({ name, schema, goes, held }: ExpiringData): string {
  if (held)
    return `  data of ${name} has expired (${localTime(goes)}) but is kept because: ${printable(held)}`;
  return `  data of ${name} expires on ${localTime(goes)}; to keep it: ikigai wt restore ${schema} --into WORKTREE`;
}
