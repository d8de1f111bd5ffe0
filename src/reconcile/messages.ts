import type { Step } from "../model/step.ts";

/** A step in a few words, for the daemon's log. */
export function formatStep({ kind, action, key }: Step): string {
  return `${action} ${kind} ${key}`;
}
