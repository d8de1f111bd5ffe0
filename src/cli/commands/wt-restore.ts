import { localTime } from "../../model/local-time.ts";
import { printable, printableJson } from "../../model/printable.ts";
import type { RetiredReport } from "../../model/reports.ts";
import { formatSize } from "../../model/size.ts";
import { UsageError } from "../../model/user-error.ts";
import { askDaemon } from "../client/daemon-client.ts";
import { type Run, requireProject, textOption } from "../context.ts";
import { plainTable } from "../output/plain-table.ts";

/** Restores retained data of a removed worktree, or lists it. */
export const wtRestore: Run = async ({ cwd, out, say }, [name], options) => {
  const { layout } = requireProject(cwd);
  if (options.list) {
    const query = name === undefined ? "" : `?${new URLSearchParams({ of: name })}`;
    const { retired } = await askDaemon<{ retired: RetiredReport[] }>(
      layout,
      "GET",
      `/v1/retired${query}`,
    );
    out(options.json ? printableJson({ retired }) : `${table(retired)}\n`);
    return 0;
  }
  if (name === undefined) {
    throw new UsageError("Name the worktree whose data to restore.", "ikigai wt restore --list");
  }
  const into = textOption(options, "into") ?? name;
  const query = new URLSearchParams({ of: name, into, cwd });
  const done = await askDaemon<{ schema: string; name: string; into: string }>(
    layout,
    "POST",
    `/v1/restore?${query}`,
  );
  if (options.json) out(printableJson(done));
  else say(`  restored ${done.schema} into ${done.into}`);
  return 0;
};

function table(retired: readonly RetiredReport[]): string {
  if (retired.length === 0) return "  no retained data";
  const rows = retired.map(({ name, schema, since, size, path, goes, soon }) => [
    name,
    localTime(since),
    formatSize(size),
    `${localTime(goes)}${soon ? " (soon)" : ""}`,
    schema,
    printable(path ?? ""),
  ]);
  return plainTable(["WORKTREE", "SINCE", "SIZE", "EXPIRES", "SCHEMA", "PATH"], rows);
}
