import {
  findBlock,
  hasTornBlock,
  markedBlock,
  placeBlock,
  withoutBlocks,
} from "../managed-block.ts";

/** The hooks that run after a worktree's files changed (githooks(5)). */
export const HOOK_EVENTS = ["post-checkout", "post-merge", "post-rewrite"] as const;
export type HookEvent = (typeof HOOK_EVENTS)[number];

/** The script that the blocks run; it is beside the hooks, under a name that is not a hook's. */
export const HOOK_BODY = "ikigai-hook";
/** Where a hook is kept that cannot hold a block; our own hook runs it. */
export const asideOf = (event: HookEvent): string => `${event}.before-ikigai`;
/**
 * Directory of links to those hooks under their real names, because some hooks check the name they run under.
 */
export const ASIDE_DIRECTORY = "before-ikigai";

const SHEBANG = "#!/bin/sh\n";
const WHOLE = "whole file";
const WRAPS = "runs the hook that was here before";

const CALL = `# Tells ikigai about this change; silent, and never fails. \`ikigai uninstall\` takes it away.
if [ -x "\${0%/*}/${HOOK_BODY}" ]; then "\${0%/*}/${HOOK_BODY}" "$@" </dev/null >/dev/null 2>&1 || :; fi
`;

/** For a hook that is entirely ours: sourced, so that it needs no second shell. */
const CALL_WITHIN = `# Tells ikigai about this change; silent, and never fails. \`ikigai uninstall\` takes it away.
trap 'exit 0' 0
if [ -x "\${0%/*}/${HOOK_BODY}" ]; then . "\${0%/*}/${HOOK_BODY}"; fi
`;

/** Runs the hook that was moved aside in our place: same arguments, standard input and exit status. */
const callAside = (event: HookEvent): string =>
  `if [ -x "\${0%/*}/${asideOf(event)}" ]; then exec "\${0%/*}/${ASIDE_DIRECTORY}/${event}" "$@"; fi\n`;

/** Renders a hook file that is entirely ours. */
export function ownHook(): string {
  return SHEBANG + markedBlock(CALL_WITHIN, WHOLE);
}

/** Renders our hook file that runs one moved aside. */
export function wrappingHook(event: HookEvent): string {
  return SHEBANG + markedBlock(CALL + callAside(event), WRAPS);
}

/** Classifies a hook file. Texts are latin1. */
export type HookKind =
  /** Entirely ours, for an event that had no hook. */
  | "own"
  /** Entirely ours; runs the hook that was there before. */
  | "wrapping"
  /** One of these two, truncated. */
  | "cut"
  /** A script of a POSIX-like shell, perhaps with our block. */
  | "shell"
  /** Anything else that git can run. */
  | "program"
  /** One of our two marks is missing: not touched. */
  | "torn";

/** Classifies the text of a hook file (latin1). */
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

/** Complete files that do nothing, and may be the user's. */
const IDLE = new Set(["#!/bin/sh", SHEBANG]);

/**
 * Tells whether a text is a hook of ours that a crash cut short: its beginning, perhaps followed by NUL
 * bytes.
 */
function isCut(text: string): boolean {
  const rest = text.replace(/\0+$/, "");
  if (IDLE.has(text) || rest.length < "#!/".length) return false;
  return [ownHook(), ...HOOK_EVENTS.map(wrappingHook)].some(
    (whole) => whole !== text && whole.startsWith(rest),
  );
}

/** Describes a hook in which one of our marks is missing. */
export function tornProblem(event: HookEvent): string {
  return `in ${event} one of the two "ikigai" lines is missing: delete the other one`;
}

/** Adds our block to a foreign shell hook, first, so that no `exit` skips it. */
export function sharedHook(text: string): string {
  const plain = foreignHook(text);
  const line = /^#!.*(\n|$)/.exec(plain)?.[0] ?? "";
  return placeBlock(line, CALL, plain.slice(line.length));
}

/** Returns the foreign hook's own text, without our block. */
export function foreignHook(text: string): string {
  return withoutBlocks(text);
}

const SHELLS = new Set(["sh", "bash", "dash", "ash", "ksh", "ksh93", "mksh", "zsh", "busybox"]);

/** Decides by the interpreter. git, like execvp(3), runs a text without one with sh. */
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

/** Tells whether a word is neither an option of env(1) nor an assignment. */
function isProgram(word: string): boolean {
  return !word.startsWith("-") && !word.includes("=");
}

/** Detects polyglot scripts that re-execute themselves with another language: our line would break them. */
function runsItselfElsewhere(text: string): boolean {
  return /\bexec\b.*\$(0|\{0\}|BASH_SOURCE|\{BASH_SOURCE)/.test(text);
}
