import {
  findBlock,
  hasTornBlock,
  markedBlock,
  placeBlock,
  withoutBlocks,
} from "../managed-block.ts";

/** The hooks that follow a change of a worktree's files (githooks(5)). */
export const HOOK_EVENTS = ["post-checkout", "post-merge", "post-rewrite"] as const;
export type HookEvent = (typeof HOOK_EVENTS)[number];

/** The script that the blocks run; it lies beside the hooks and is no hook by its name. */
export const HOOK_BODY = "ikigai-hook";
/** Where a hook lies that cannot hold a block; our own file runs it. */
export const asideOf = (event: HookEvent): string => `${event}.before-ikigai`;
/** Links to what lies aside, by the hooks' real names: some hooks look at theirs. */
export const ASIDE_DIRECTORY = "before-ikigai";

const SHEBANG = "#!/bin/sh\n";
const WHOLE = "whole file";
const WRAPS = "runs the hook that was here before";

const CALL = `# Tells ikigai about this change; silent, and never fails. \`ikigai uninstall\` takes it away.
if [ -x "\${0%/*}/${HOOK_BODY}" ]; then "\${0%/*}/${HOOK_BODY}" "$@" </dev/null >/dev/null 2>&1 || :; fi
`;

/** In a hook that is all ours it needs no shell of its own. */
const CALL_WITHIN = `# Tells ikigai about this change; silent, and never fails. \`ikigai uninstall\` takes it away.
trap 'exit 0' 0
if [ -x "\${0%/*}/${HOOK_BODY}" ]; then . "\${0%/*}/${HOOK_BODY}"; fi
`;

/** Runs the hook aside in our place: same arguments, same standard input, its exit status. */
const callAside = (event: HookEvent): string =>
  `if [ -x "\${0%/*}/${asideOf(event)}" ]; then exec "\${0%/*}/${ASIDE_DIRECTORY}/${event}" "$@"; fi\n`;

/** A hook file that is ours from the first to the last byte. */
export function ownHook(): string {
  return SHEBANG + markedBlock(CALL_WITHIN, WHOLE);
}

/** Our hook file in place of one that lies aside. */
export function wrappingHook(event: HookEvent): string {
  return SHEBANG + markedBlock(CALL + callAside(event), WRAPS);
}

/** What a hook file is to us. Texts are latin1. */
export type HookKind =
  /** All ours, for an event that had no hook. */
  | "own"
  /** All ours, and it runs another one. */
  | "wrapping"
  /** One of the two, of which only the beginning was written. */
  | "cut"
  /** A script of a POSIX-like shell, perhaps with our block. */
  | "shell"
  /** Anything else that git can run. */
  | "program"
  /** Marks of ours that somebody has cut in two: not touched. */
  | "torn";

export function hookKind(text: string): HookKind {
  if (isCut(text)) return "cut";
  if (hasTornBlock(text)) return "torn";
  const block = findBlock(text);
  if (block?.before === SHEBANG && block.after === "") {
    if (block.note === WHOLE) return "own";
    if (block.note === WRAPS) return "wrapping";
  }
  return isShell(text) && !runsItselfElsewhere(text) ? "shell" : "program";
}

/** Whole files that do nothing, and may be somebody's. */
const IDLE = new Set(["#!/bin/sh", SHEBANG]);

/** What a crash leaves of a file of ours: its beginning, and NUL bytes where the rest should be. */
function isCut(text: string): boolean {
  const rest = text.replace(/\0+$/, "");
  if (IDLE.has(text) || rest.length < "#!/".length) return false;
  return [ownHook(), ...HOOK_EVENTS.map(wrappingHook)].some(
    (whole) => whole !== text && whole.startsWith(rest),
  );
}

/** What is said of marks that somebody has cut in two. */
export function tornProblem(event: HookEvent): string {
  return `in ${event} one of the two "ikigai" lines is missing: delete the other one`;
}

/** A foreign shell hook with our block first, so that none of its exits skips it. */
export function sharedHook(text: string): string {
  const plain = foreignHook(text);
  const line = /^#!.*(\n|$)/.exec(plain)?.[0] ?? "";
  return placeBlock(line, CALL, plain.slice(line.length));
}

/** The foreign hook's own text: what is left without our block. */
export function foreignHook(text: string): string {
  return withoutBlocks(text);
}

const SHELLS = new Set(["sh", "bash", "dash", "ash", "ksh", "ksh93", "mksh", "zsh", "busybox"]);

/** By its interpreter. git, like execvp(3), runs a text without one with sh. */
function isShell(text: string): boolean {
  if (text.includes("\0") || text.startsWith("\xef\xbb\xbf") || text.startsWith("\xff\xfe")) {
    return false;
  }
  if (!text.startsWith("#!")) return true;
  const words = (/^#![ \t]*(.*)/.exec(text)?.[1] ?? "").trim().split(/[ \t]+/);
  const names = words.map((word) => word.slice(word.lastIndexOf("/") + 1));
  const name = names[0] === "env" ? names.find((word, i) => i > 0 && isProgram(word)) : names[0];
  return name !== undefined && SHELLS.has(name);
}

/** Not an option of env(1) and no assignment. */
function isProgram(word: string): boolean {
  return !word.startsWith("-") && !word.includes("=");
}

/** A script that shells and another language both read would not survive a line of ours. */
function runsItselfElsewhere(text: string): boolean {
  return /\bexec\b.*\$(0|\{0\}|BASH_SOURCE|\{BASH_SOURCE)/.test(text);
}
