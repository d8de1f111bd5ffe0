import { type ConfigurationProblem, problemLine } from "../../model/configuration/problems.ts";
import type { Journal } from "../../model/journal.ts";
import { printable } from "../../model/printable.ts";
import type { Slug } from "../../model/slug.ts";

/** Returns a function that logs the configuration errors of worktrees, each once until they change. */
export function settingsErrorLog(
  journal: Journal,
): (slug: Slug, problems: readonly ConfigurationProblem[]) => void {
  const logged = new Map<Slug, string>();
  return (slug, problems) => {
    const lines = problems.map((problem) => printable(problemLine(problem))).join("; ");
    if (lines !== "" && logged.get(slug) !== lines) journal(`settings of ${slug}: ${lines}`);
    if (lines === "") logged.delete(slug);
    else logged.set(slug, lines);
  };
}
