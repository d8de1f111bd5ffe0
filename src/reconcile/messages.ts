import type { Step } from "../model/step.ts";

/** Formats a step for the daemon's log. */
export function formatStep({ kind, action, key }: Step): string {
  return `${action} ${kind} ${key}`;
}
