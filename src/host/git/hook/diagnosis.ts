import { codeOf, joinRaw, readIfThere, statIfThere } from "../../fs/files.ts";
import { findBlock } from "../managed-block.ts";
import type { HookConfig } from "./config.ts";
import { displayPath, type HookWorktree, type Permission } from "./directory.ts";
import { hookBody } from "./home.ts";
import { HOOK_BODY, hookKind, tornProblem } from "./script.ts";

/** What git runs after a checkout in one worktree, as reported by `ikigai doctor`. */
export interface EffectiveHook {
  readonly slug: string;
  /** Whether git notifies the daemon. If not, the daemon's watches still notice changes. */
  readonly runs: boolean;
  readonly through: "hook file" | "configuration" | "watching";
  /** The hooks directory git uses; for display. */
  readonly directory?: string;
  /** Another hook, or hook manager, that runs as well. */
  readonly beside?: "husky" | "lefthook" | "pre-commit" | "another hook";
  /** Why git does not notify the daemon. */
  readonly why?: string;
  /** The command to run or the line to add. */
  readonly mend?: string;
}

/** What is known about one worktree's hooks directory. */
export interface HookPlace {
  readonly worktree: HookWorktree | undefined;
  readonly config: HookConfig;
  readonly directory: Buffer | undefined;
  readonly permission: Permission;
}

/** The line that users can add to a hook of their own; it works in every clone. */
const MENDING_LINE = `hook="$(git rev-parse --git-common-dir)/${HOOK_BODY}"; [ ! -x "$hook" ] || "$hook" "$@"`;

/** Describes the post-checkout hook of a place; `problems` are those reported by the installation. */
export function describeHook(place: HookPlace, problems: readonly string[] = []): EffectiveHook {
  const { directory, permission } = place;
  const slug = place.worktree?.slug ?? "";
  if (!directory) return { slug, runs: false, through: "watching", ...unreachable(place) };
  const shown = { slug, directory: displayPath(directory) };
  const text = runnableText(joinRaw(directory, "post-checkout"));
  const beside = managerOf(directory, text);
  const manager = beside ? { beside } : {};
  const called = text.includes(HOOK_BODY) && permission !== "off";
  const damage = called && problems.length === 0 ? damageOf(directory, text) : undefined;
  if (called && problems.length === 0 && !damage) {
    return { ...shown, ...manager, runs: true, through: "hook file" };
  }
  const why = damage ?? (problems.length > 0 ? withProblems(place, problems) : refusal(place));
  return { ...shown, ...manager, runs: false, through: "watching", ...why };
}

/** Describes the hook that git runs from its configuration, which core.hooksPath does not affect. */
export function describeConfigured({ worktree, config, directory }: HookPlace): EffectiveHook {
  const slug = worktree?.slug ?? "";
  const beside =
    directory && managerOf(directory, runnableText(joinRaw(directory, "post-checkout")));
  const shown = { slug, ...(beside ? { beside } : {}) };
  const { off } = config;
  if (!off) return { ...shown, runs: true, through: "configuration" };
  return {
    ...{ ...shown, runs: false, through: "watching" },
    why: `${off.key} is false in git's configuration`,
    mend: `git config --${optionOf(off.scope)} --unset-all ${off.key}`,
  };
}

/** Returns the text of a hook, or "" if git would not run it. */
function runnableText(path: Buffer): string {
  const stat = statIfThere(path);
  if (!stat?.isFile() || (Number(stat.mode) & 0o111) === 0) return "";
  try {
    return readIfThere(path)?.toString("latin1") ?? "";
  } catch (error) {
    if (codeOf(error) === "EACCES") return "";
    throw error;
  }
}

function managerOf(directory: Buffer, text: string): EffectiveHook["beside"] {
  if (text.includes("LEFTHOOK")) return "lefthook";
  if (text.includes("pre-commit.com")) return "pre-commit";
  if (directory.toString("latin1").endsWith("/_") && text.includes("/h")) return "husky";
  if (hookKind(text) === "cut") return undefined;
  const block = findBlock(text);
  const foreign = block ? block.body.includes("before-ikigai") || block.after !== "" : text !== "";
  return foreign ? "another hook" : undefined;
}

interface Reason {
  readonly why: string;
  readonly mend: string;
}

/** Explains why a hook that calls ours does not reach it. */
function damageOf(directory: Buffer, text: string): Reason | undefined {
  const place = displayPath(directory);
  switch (hookKind(text)) {
    case "torn":
      return { why: `${place}: ${tornProblem("post-checkout")}`, mend: "ikigai doctor" };
    case "cut":
      return { why: `post-checkout in ${place} is cut off`, mend: "ikigai init" };
  }
  // The user's own hook calls the script from another place.
  if (!findBlock(text)) return undefined;
  if (runnableText(joinRaw(directory, HOOK_BODY)) === hookBody()) return undefined;
  return { why: `${HOOK_BODY} in ${place} is damaged`, mend: "ikigai init" };
}

function unreachable({ config }: HookPlace): Reason {
  return {
    why: `core.hooksPath is ${JSON.stringify(config.hooksPath)}, relative to a worktree that has no path yet`,
    mend: "ikigai doctor",
  };
}

function withProblems({ directory }: HookPlace, problems: readonly string[]): Reason {
  const where = directory ? displayPath(directory) : "the hooks directory";
  return { why: `${where}: ${problems.join("; ")}`, mend: "ikigai doctor" };
}

function refusal({ directory, config, permission }: HookPlace): Reason {
  const where = directory ? displayPath(directory) : "";
  const set = `core.hooksPath${config.file ? ` in ${displayPath(Buffer.from(config.file))}` : ""} names ${where}`;
  const write = `write this line into post-checkout, post-merge and post-rewrite there: ${MENDING_LINE}`;
  switch (permission) {
    case "visible":
      return { why: `${set}, where a new file would show in git status`, mend: write };
    case "shared":
      return { why: `${where} serves other repositories too`, mend: write };
    case "missing":
      return {
        why: `${set}, which does not exist`,
        mend: `mkdir -p '${where.replaceAll("'", "'\\''")}'`,
      };
    case "off":
      return { why: `${set}, which switches all hooks off`, mend: unset(config) };
    case "yes":
    case "make":
      return { why: `ikigai has no hook in ${where}`, mend: "ikigai init" };
  }
}

function unset({ scope }: HookConfig): string {
  return `git config --${optionOf(scope)} --unset core.hooksPath`;
}

function optionOf(scope: HookConfig["scope"]): string {
  return scope === "command" || !scope ? "local" : scope;
}
