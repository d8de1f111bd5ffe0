import { createInterface } from "node:readline/promises";
import { type OpenProject, openProject } from "../../discovery/open-project.ts";
import { detectServices, strangeServices } from "../../discovery/services.ts";
import { evaluateTrust } from "../../discovery/trust.ts";
import { namedWorktree } from "../../discovery/worktree-names.ts";
import { worktreeOfDirectory } from "../../discovery/worktree-of-directory.ts";
import { approve, lastApproved, projectIdentity } from "../../host/trust/approvals.ts";
import { formatKey, problemLine } from "../../model/configuration/problems.ts";
import type { Layout } from "../../model/layout.ts";
import { lineDiff } from "../../model/line-diff.ts";
import { printable, printableJson } from "../../model/printable.ts";
import type { Trustable } from "../../model/trust.ts";
import { UserError } from "../../model/user-error.ts";
import type { Worktree } from "../../model/worktree.ts";
import { callDaemon, DaemonAway } from "../client/daemon-client.ts";
import { type Run, requireProject } from "../context.ts";
import { pc } from "../output/colours.ts";

/** Shows what a worktree would run that is not approved, and approves it once confirmed. */
export const trust: Run = async ({ cwd, out, say }, [name], options) => {
  const project = await openProject(requireProject(cwd));
  const { layout, commonDir, worktrees, defaultWorktree } = project;
  const identity = projectIdentity(commonDir);
  const worktree = name
    ? namedWorktree(worktrees, name, cwd)
    : (worktreeOfDirectory(project, cwd) ?? defaultWorktree);
  if (!worktree) throw new UserError("This directory is not in a worktree.", "ikigai wt list");
  const waiting = await waitingIn(project, worktree);
  if (options.json) out(printableJson({ worktree: worktree.slug, waiting }));
  if (waiting.length === 0) {
    say(`${pc.green("✔")} everything in ${worktree.slug} is approved`);
    await requestWorktree(layout, worktree);
    return 0;
  }
  if (!options.json) for (const one of waiting) out(`${describe(identity, one)}\n`);
  for (const text of await withoutService(project, worktree, waiting)) say(`  ${text}`);
  if (!options.yes && !(await confirmed(worktree.slug, waiting.length))) {
    // Suggest --yes only if no terminal could be asked: otherwise the user has just said no.
    const yes = process.stdin.isTTY === true ? "" : " --yes";
    throw new UserError("Nothing was approved.", `ikigai trust ${worktree.slug}${yes}`);
  }
  approve(identity, waiting);
  say(`${pc.green("✔")} ${waiting.length} approved in ${worktree.slug}`);
  await requestWorktree(layout, worktree);
  return 0;
};

/**
 * Marks the worktree as requested and reconciles it, so that what was approved runs; other worktrees are not
 * affected.
 */
async function requestWorktree(layout: Layout, { slug }: Worktree): Promise<void> {
  const look = `/v1/look?brief&of=${encodeURIComponent(slug)}`;
  await callDaemon(layout, "POST", look, { timeout: 60_000 }).catch((error: unknown) => {
    if (!(error instanceof DaemonAway)) throw error;
  });
}

/** Lists what a worktree would run that is not approved. Does not run an unapproved configuration program. */
export async function waitingIn(
  { commonDir, settings }: OpenProject,
  worktree: Worktree,
): Promise<readonly Trustable[]> {
  const identity = projectIdentity(commonDir);
  const { configuration, loaded } = await settings.of(worktree.path);
  const { services } = detectServices(worktree.path, configuration.services);
  const programs = [settings.sharedProgram, loaded.program].flatMap((program) => program ?? []);
  const judged = { path: worktree.path, services };
  const waiting = (programs.length > 0 ? programs : [undefined]).flatMap(
    (program) => evaluateTrust(identity, judged, configuration, program).waiting,
  );
  return waiting.filter(
    (one, index) =>
      waiting.findIndex(({ what, hash }) => what === one.what && hash === one.hash) === index,
  );
}

/**
 * Returns the problems of waiting commands that would not run here even if approved, as they name no service.
 */
async function withoutService(
  { settings }: OpenProject,
  { path }: Worktree,
  waiting: readonly Trustable[],
): Promise<string[]> {
  const given = await settings.of(path);
  const { mistakes, warnings } = strangeServices(
    given,
    detectServices(path, given.configuration.services),
  );
  const keys = waiting.flatMap(({ service }) =>
    service === undefined ? [] : [formatKey(["services", service])],
  );
  return [...mistakes, ...warnings].filter(({ key }) => keys.includes(key)).map(problemLine);
}

function describe(identity: string, { kind, what, text }: Trustable): string {
  const before = lastApproved(identity, { kind, what })?.text;
  const heading = `${pc.bold(printable(what))} ${pc.dim(before === undefined ? "is new" : "has changed")}`;
  if (text === undefined) return `${heading}\n  (a binary file; inspect it yourself)`;
  const lines = lineDiff(before ?? "", text)
    .split("\n")
    .map((line) => COLOURS[line[0] ?? " "]?.(`  ${line}`) ?? `  ${line}`);
  return [heading, ...lines].join("\n");
}

const COLOURS: Readonly<Record<string, (text: string) => string>> = {
  "+": pc.green,
  "-": pc.red,
  "@": pc.dim,
};

async function confirmed(slug: string, count: number): Promise<boolean> {
  if (process.stdin.isTTY !== true) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(
      `Approve ${count === 1 ? "this" : `these ${count}`} in ${slug}? [y/N] `,
    );
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
