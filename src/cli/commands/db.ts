import type { SizedSchema } from "../../host/postgres/sizes.ts";
import { printable, printableJson, printableLines } from "../../model/printable.ts";
import { formatSize } from "../../model/size.ts";
import type { Difference } from "../../schema-branch/index.ts";
import { askDaemon } from "../client/daemon-client.ts";
import { type Context, type Run, requireProject, textOption, type Values } from "../context.ts";
import { withBranchProgress } from "../output/branch-progress.ts";
import { pc } from "../output/colours.ts";
import { plainTable } from "../output/plain-table.ts";
import { withSpinner } from "../output/spinner.ts";
import { worktreeHere } from "../worktree-here.ts";

const NAME_ONE = "name a worktree; list them with: ikigai wt list";

/** Lists schemas and their sizes on disk, including retired ones and the reserve. */
export const dbList: Run = async ({ cwd, out }, [name], options) => {
  const { layout } = requireProject(cwd);
  const query = name === undefined ? "" : `?${new URLSearchParams({ of: name, cwd })}`;
  const answer = await askDaemon<{ schemas: SizedSchema[] }>(layout, "GET", `/v1/db${query}`);
  const { schemas } = answer;
  if (options.json) {
    out(printableJson({ schemas }));
    return 0;
  }
  const rows = schemas.map((one) => [
    one.worktree,
    one.schema,
    one.state,
    String(one.tables),
    formatSize(one.bytes),
  ]);
  out(`${plainTable(["WORKTREE", "SCHEMA", "STATE", "TABLES", "SIZE"], rows)}\n`);
  return 0;
};

/** Resets a worktree's schema; the old one is retired and can be restored. */
export const dbReset: Run = (context, [name], options) =>
  begin(context, name, { mode: textOption(options, "db") }, options);

/** Replaces a worktree's schema with a branch of another worktree's. */
export const dbBranch: Run = (context, [from], options) => {
  const into = textOption(options, "into");
  return begin(context, into, { from, mode: textOption(options, "db") }, options);
};

async function begin(
  { cwd, out, say }: Context,
  name: string | undefined,
  how: Readonly<Record<string, string | undefined>>,
  options: Values,
): Promise<number> {
  const { layout } = requireProject(cwd);
  const of = name ?? (await worktreeHere(cwd, NAME_ONE));
  const query = new URLSearchParams({ of, cwd });
  for (const [key, value] of Object.entries(how)) if (value !== undefined) query.set(key, value);
  const done = await withBranchProgress(layout, query, () =>
    askDaemon<{ schema: string; aside?: string }>(layout, "POST", `/v1/db/reset?${query}`),
  );
  say(`${pc.green("✔")} ${done.schema} was reset`);
  if (options.json) out(printableJson(done));
  else if (done.aside)
    say(`  its old data is kept as ${done.aside}; restore it: ikigai wt restore ${of}`);
  return 0;
}

/** Runs the project's commands for a new schema again. */
export const dbSetup: Run = async ({ cwd }, [name]) => {
  const { layout } = requireProject(cwd);
  const of = name ?? (await worktreeHere(cwd, NAME_ONE));
  const query = new URLSearchParams({ of, cwd });
  await withSpinner(`database commands of ${of}`, () =>
    askDaemon(layout, "POST", `/v1/db/setup?${query}`),
  );
  return 0;
};

/** Compares the structure of two schemas; like diff(1), exits with 1 if they differ. */
export const dbDiff: Run = async ({ cwd, out, say }, [from = "", to], options) => {
  const { layout } = requireProject(cwd);
  const query = new URLSearchParams({
    cwd,
    from,
    to: to ?? (await worktreeHere(cwd, NAME_ONE)),
  });
  const diff = await askDaemon<{ from: string; to: string; differences: Difference[] }>(
    layout,
    "GET",
    `/v1/db/diff?${query}`,
  );
  if (options.json) out(printableJson(diff));
  else if (diff.differences.length === 0)
    say(`  ${diff.from} and ${diff.to} have the same structure`);
  else out(`${diff.differences.map(renderDifference).join("\n")}\n`);
  return diff.differences.length > 0 ? 1 : 0;
};

function renderDifference({ kind, name, change, before, after }: Difference): string {
  const lines = [
    ...printableLines(before ?? "")
      .split("\n")
      .flatMap((line) => (line ? [pc.red(`  - ${line}`)] : [])),
    ...printableLines(after ?? "")
      .split("\n")
      .flatMap((line) => (line ? [pc.green(`  + ${line}`)] : [])),
  ];
  return [`${pc.bold(printable(`${kind} ${name}`))} ${pc.dim(change)}`, ...lines].join("\n");
}

/** Waits until a worktree is ready. */
export const wtWait: Run = async ({ cwd, say }, [name]) => {
  const { layout } = requireProject(cwd);
  const of = name ?? (await worktreeHere(cwd, NAME_ONE));
  const query = new URLSearchParams({ of, cwd });
  await withBranchProgress(layout, query, () => askDaemon(layout, "GET", `/v1/wait?${query}`));
  say(`${pc.green("✔")} ${of} is ready`);
  return 0;
};
