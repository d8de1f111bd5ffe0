import { localTime } from "../../model/local-time.ts";
import { printable, printableJson } from "../../model/printable.ts";
import { type ExpiringData, type Noticed, noticesText } from "./notices.ts";
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

/** The text for a person, or the JSON, of what the daemon answered or the files say. */
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

/** With settings that are not valid a start would refuse. */
function stopped(problems: readonly string[]): string {
  return `  ikigai is not running; next: ${problems.length > 0 ? "mend the settings, then " : ""}ikigai start`;
}

/** When retired data expires, or why it has not been dropped although it has. */
export function expiryLine({ name, schema, goes, held }: ExpiringData): string {
  if (held)
    return `  data of ${name} expired on ${localTime(goes)} and is kept, because: ${printable(held)}`;
  return `  data of ${name} expires on ${localTime(goes)}; to keep it: ikigai wt restore ${schema} --into WORKTREE`;
}
