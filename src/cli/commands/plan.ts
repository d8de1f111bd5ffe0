import { printable, printableJson } from "../../model/printable.ts";
import type { PlanReport } from "../../model/reports.ts";
import { askDaemon } from "../client/daemon-client.ts";
import { type Run, requireProject } from "../context.ts";
import { pc } from "../output/colours.ts";
import { plainTable } from "../output/plain-table.ts";

export const plan: Run = async ({ cwd, out }, _, options) => {
  const { layout } = requireProject(cwd);
  const report = await askDaemon<PlanReport>(layout, "GET", "/v1/plan");
  if (options.json) {
    out(printableJson(report));
  } else {
    const rows = report.steps.map(({ action, kind, key, why }) => [
      action,
      kind,
      printable(key),
      printable(why),
    ]);
    out(
      rows.length > 0
        ? `${plainTable(["STEP", "KIND", "OF", "WHY"], rows)}\n`
        : "  nothing to do\n",
    );
    for (const problem of report.problems) out(`  ${pc.red("problem")} ${printable(problem)}\n`);
  }
  return report.problems.length > 0 ? 1 : 0;
};
