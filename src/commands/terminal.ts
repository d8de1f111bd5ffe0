import { isatty } from "node:tty";

/**
 * Whether people see colours: where both outputs are a terminal, and never under
 * NO_COLOR. picocolors by itself also colours wherever `CI` is set, pipes included.
 */
export function wantsColour({ NO_COLOR, TERM } = process.env): boolean {
  return !NO_COLOR && TERM !== "dumb" && isatty(1) && isatty(2);
}
