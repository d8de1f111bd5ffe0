import { askDaemon } from "../host/daemon-client.ts";
import type { WorktreeReport } from "../model/report.ts";
import { UserError } from "../model/user-error.ts";
import { type Context, type Run, requireProject, type Values } from "./command.ts";
import { serviceWord } from "./table.ts";

interface Answer {
  readonly worktree: WorktreeReport;
  readonly results: readonly {
    readonly service: string;
    readonly result: {
      readonly awake: boolean;
      readonly why?: string;
      readonly next?: string;
      readonly log?: readonly string[];
    };
  }[];
}

export const up: Run = (context, args, options) => act("up", context, args, options);
export const down: Run = (context, args, options) => act("down", context, args, options);
export const restartServices: Run = (context, args, options) =>
  act("restart", context, args, options);

async function act(
  call: "up" | "down" | "restart",
  { cwd, out, say }: Context,
  [target]: readonly string[],
  options: Values,
): Promise<number> {
  const { layout } = requireProject(cwd);
  const of = target ?? (await here(cwd));
  const answer = await askDaemon<Answer>(
    layout,
    "POST",
    `/v1/${call}?of=${encodeURIComponent(of)}`,
  );
  if (options.json) out(`${JSON.stringify(answer, null, 2)}\n`);
  else
    for (const service of answer.worktree.services)
      say(`  ${answer.worktree.slug}/${serviceWord(service)}`);
  const failed = answer.results.filter(({ result }) => call !== "down" && !result.awake);
  for (const { service, result } of failed) {
    for (const line of result.log ?? []) say(`  | ${line}`);
    throw new UserError(`${service} did not start: ${result.why}.`, result.next);
  }
  return 0;
}

/** The worktree of the directory in which the command was typed. */
async function here(cwd: string): Promise<string> {
  const { layout } = requireProject(cwd);
  const { worktree } = await askDaemon<{ worktree: WorktreeReport }>(
    layout,
    "GET",
    `/v1/worktree?cwd=${encodeURIComponent(cwd)}`,
  );
  return worktree.slug;
}
