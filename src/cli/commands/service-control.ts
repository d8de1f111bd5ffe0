import { printable, printableJson } from "../../model/printable.ts";
import type { WorktreeReport } from "../../model/reports.ts";
import { UserError } from "../../model/user-error.ts";
import { askDaemon } from "../client/daemon-client.ts";
import { type Context, type Run, requireProject, type Values } from "../context.ts";
import { serviceWord } from "../output/plain-table.ts";
import { worktreeHere } from "../worktree-here.ts";

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

const VERBS = { up: "start", down: "stop", restart: "restart" } as const;

async function act(
  call: "up" | "down" | "restart",
  { cwd, out, say }: Context,
  [target]: readonly string[],
  options: Values,
): Promise<number> {
  const { layout } = requireProject(cwd);
  const of = target ?? (await worktreeHere(cwd, `ikigai ${call} WORKTREE`));
  const answer = await askDaemon<Answer>(
    layout,
    "POST",
    `/v1/${call}?${new URLSearchParams({ of, cwd })}`,
  );
  const asked = new Set(answer.results.map(({ service }) => service));
  const { slug, services } = answer.worktree;
  if (options.json) out(printableJson(answer));
  else if (asked.size === 0)
    say(`  ${slug} has no backend, so there is nothing to ${VERBS[call]}.`);
  else {
    for (const service of services) {
      if (asked.has(`${slug}/${service.slug}`)) say(`  ${slug}/${serviceWord(service)}`);
    }
  }
  const { problems, warnings } = answer.worktree;
  // An invalid configuration names no services; warnings may be about a service that does not exist.
  const reasons = call === "down" ? problems : [...problems, ...warnings];
  if (asked.size === 0 && reasons.length > 0) {
    throw new UserError(
      `${slug} has no service to ${VERBS[call]}: ${reasons.join("; ")}`,
      "ikigai doctor",
    );
  }
  const failed = answer.results.filter(({ result }) => call !== "down" && !result.awake);
  for (const { service, result } of failed) {
    say(`  ${service} did not start: ${printable(result.why ?? "")}`);
    for (const line of result.log ?? []) say(`  | ${printable(line)}`);
  }
  const [first] = failed;
  if (!first) return 0;
  throw new UserError(`${first.service} did not start: ${first.result.why}.`, first.result.next);
}
