import { printable } from "../../model/printable.ts";
import type { RetiredReport, WorktreeReport } from "../../model/reports.ts";
import { failingText } from "./failing-services.ts";
import type { Colours } from "./table.ts";

/** What a table of worktrees cannot hold: of the project as a whole, and of each worktree. */
export interface Noticed {
  readonly worktrees: readonly WorktreeReport[];
  /** What is wrong with the project's settings. */
  readonly problems: readonly string[];
  /** Retired data that expires within a day; nothing while no daemon runs. */
  readonly expiring?: readonly ExpiringData[];
}

/** Retired data, as far as people are told of its end. */
export type ExpiringData = Pick<RetiredReport, "name" | "schema" | "goes" | "held">;

/**
 * What is said below a table of worktrees, with the command that helps: settings that are not valid,
 * what keeps a worktree from being ready, what waits for approval, and what keeps failing.
 */
export function noticesText({ worktrees, problems }: Noticed, colours: Colours): string {
  const lines = [
    ...problems.map((problem) => `  ${colours.red("settings")}: ${printable(problem)}`),
    ...(problems.length > 0 ? ["  next: ikigai doctor"] : []),
    ...sharedWarnings(worktrees).map((one) => `  ${colours.red("settings")}: ${printable(one)}`),
    ...worktrees.flatMap(({ slug, state, problems: own }) =>
      state === "problem"
        ? own
            .filter((problem) => !problems.includes(problem))
            .map((problem) => `  ${colours.red(slug)}: ${printable(problem)}`)
        : [],
    ),
    ...worktrees.flatMap((worktree) => heldLines(worktree, colours)),
  ];
  const text = lines.length > 0 ? `\n${lines.join("\n")}\n` : "";
  return text + failingText(worktrees, colours);
}

/** What fits no worktree at all is a mistake; what one of them has is only about another branch. */
function sharedWarnings(worktrees: readonly WorktreeReport[]): readonly string[] {
  const [first, ...others] = worktrees;
  return (first?.warnings ?? []).filter((warning) =>
    others.every(({ warnings }) => warnings.includes(warning)),
  );
}

function heldLines({ slug, services }: WorktreeReport, colours: Colours): string[] {
  const held = services.filter((service) => service.held);
  if (held.length === 0) return [];
  const reasons = [...new Set(held.map(({ why }) => why ?? "not approved"))];
  return [
    `  ${colours.yellow(slug)}: ${printable(reasons.join("; "))}`,
    `  next: ikigai trust ${slug}`,
  ];
}
