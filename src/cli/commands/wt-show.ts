import { printable, printableJson } from "../../model/printable.ts";
import type { WorktreeReport } from "../../model/reports.ts";
import { askDaemon } from "../client/daemon-client.ts";
import { type Run, requireProject } from "../context.ts";
import { pc } from "../output/colours.ts";
import { failingText } from "../output/failing-services.ts";
import { memoryOf, plainTable, serviceWord, usedOf } from "../output/plain-table.ts";

export const wtShow: Run = async ({ cwd, out }, [name], options) => {
  const { layout } = requireProject(cwd);
  const query = new URLSearchParams({ cwd, ...(name === undefined ? {} : { of: name }) });
  const { worktree } = await askDaemon<{ worktree: WorktreeReport }>(
    layout,
    "GET",
    `/v1/worktree?${query}`,
  );
  if (options.json) {
    out(printableJson(worktree));
    return 0;
  }
  const lines: [string, string][] = [
    ["worktree", `${pc.bold(worktree.slug)}${worktree.default ? " (default)" : ""}`],
    ["branch", printable(worktree.branch ?? "(detached)")],
    ["path", printable(worktree.path)],
    ["state", worktree.state],
    ["schema", worktree.schema],
    ["address", worktree.url],
    ...origin(worktree),
    ...(worktree.locked === null
      ? []
      : [["locked", printable(worktree.locked || "yes")] as [string, string]]),
  ];
  out(`${lines.map(([key, value]) => `  ${pc.dim(key.padEnd(10))}${value}`).join("\n")}\n`);
  if (worktree.services.length > 0) {
    const rows = worktree.services.map((service) => [
      serviceWord(service),
      service.start,
      service.url ?? "",
      memoryOf([service]),
      usedOf([service]),
      // Shown below, with its log.
      service.log ? "" : printable(service.why ?? ""),
    ]);
    out(`\n${plainTable(["SERVICE", "STARTS", "ADDRESS", "MEMORY", "USED", ""], rows)}\n`);
  }
  out(failingText([worktree], pc));
  for (const problem of worktree.problems) out(`\n  ${pc.red("problem")} ${printable(problem)}\n`);
  return 0;
};

/** Adds a worktree's own origin, if its address is a path of the shared one. */
function origin({ slug, url, services }: WorktreeReport): [string, string][] {
  const { port } = new URL(url);
  const isShown = url === `http://localhost:${port}/${slug}`;
  return isShown && services.length > 0 ? [["", `http://${slug}.localhost:${port}`]] : [];
}
