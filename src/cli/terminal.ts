import { isatty } from "node:tty";

/**
 * Whether people see colours: where both outputs are a terminal or somebody forces
 * them, and never under NO_COLOR. picocolors by itself also colours wherever `CI`
 * is set, pipes included.
 */
export function wantsColour({ NO_COLOR, FORCE_COLOR, TERM } = process.env): boolean {
  if (NO_COLOR) return false;
  return !!FORCE_COLOR || (TERM !== "dumb" && isatty(1) && isatty(2));
}
