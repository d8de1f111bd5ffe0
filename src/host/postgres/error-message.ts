import { isUnreachable } from "./client.ts";

/** Formats an error as one line: what happened, why, and the next command if it names one. */
export function errorMessage(error: unknown): string {
  if (isUnreachable(error)) return "Postgres does not answer; type: pg_ctl start";
  if (!(error instanceof Error)) return String(error);
  const next = "next" in error && typeof error.next === "string" ? error.next : undefined;
  return next === undefined ? error.message : `${error.message}; next: ${next}`;
}
