import { isUnreachable } from "../host/postgres/client.ts";
import type { Step } from "../model/step.ts";

/** A step in a few words, for the daemon's log. */
export function describe({ kind, action, key }: Step): string {
  return `${action} ${kind} ${key}`;
}

/** An error in a line: what happened, why, and the next command where it names one. */
export function explain(error: unknown): string {
  if (isUnreachable(error)) return "Postgres does not answer; type: pg_ctl start";
  if (!(error instanceof Error)) return String(error);
  const next = "next" in error && typeof error.next === "string" ? error.next : undefined;
  return next === undefined ? error.message : `${error.message}; next: ${next}`;
}
