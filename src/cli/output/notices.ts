import { printable } from "../../model/printable.ts";
import type { RetiredReport, WorktreeReport } from "../../model/reports.ts";
import { failingText } from "./failing-services.ts";
import type { Colours } from "./table.ts";

/** Worktrees, with the problems that do not fit into a table of them. */
export interface Noticed {
  readonly worktrees: readonly WorktreeReport[];
  /** Errors in the project's configuration. */
  readonly problems: readonly string[];
  /** Retired data that expires within a day; absent while the daemon is not running. */
  readonly expiring?: readonly ExpiringData[];
}

/** The fields of retired data that an expiry notice shows. */
export type ExpiringData = Pick<RetiredReport, "name" | "schema" | "goes" | "held">;

/**
 * Renders the notices below a table of worktrees, each with the command that helps: invalid
 * configuration, problems of worktrees, services that await approval, services that keep failing.
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

/**
 * Returns the warnings that apply to every worktree: a setting that one worktree satisfies is not a mistake.
 */
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
