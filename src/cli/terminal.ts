import { isatty } from "node:tty";

/**
 * Decides whether to print colours: never with NO_COLOR, always with FORCE_COLOR, otherwise when both
 * outputs are terminals. picocolors' own rule also colours pipes wherever `CI` is set.
 */
export function wantsColour({ NO_COLOR, FORCE_COLOR, TERM } = process.env): boolean {
  if (NO_COLOR) return false;
  return !!FORCE_COLOR || (TERM !== "dumb" && isatty(1) && isatty(2));
}
