import { printable } from "../../model/printable.ts";
import type { WorktreeReport } from "../../model/reports.ts";
import type { Colours } from "./table.ts";

const WIDEST = 160;

/**
 * Describes, below a table, every service that keeps failing: how it ended, the last lines of its log,
 * and the command that shows more. Empty when none fails.
 */
export function failingText(worktrees: readonly WorktreeReport[], colours: Colours): string {
  const blocks = worktrees.flatMap(({ slug, services }) =>
    services.flatMap(({ slug: service, why, log }) => {
      if (log === undefined) return [];
      const name = `${slug}/${service}`;
      return [
        `  ${colours.red(name)}: ${printable(why ?? "it fails")}`,
        ...log.map((line) => `    ${colours.dim(shown(line))}`),
        `  next: ikigai logs ${name}`,
      ];
    }),
  );
  return blocks.length > 0 ? `\n${blocks.join("\n")}\n` : "";
}

/** Cuts a log line to a width that fits a terminal and escapes control characters. */
function shown(line: string): string {
  const letters = [...line.replaceAll("\t", "  ")];
  const cut = letters.length > WIDEST ? [...letters.slice(0, WIDEST), "…"] : letters;
  return printable(cut.join(""));
}
