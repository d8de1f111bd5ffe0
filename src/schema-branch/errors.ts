import type { Refusal } from "./refusal.ts";

/** What went wrong, why, the next command, and whether a retry may help. */
export class BranchError extends Error {
  readonly code: "refused" | "busy" | "changed" | "exists" | "missing" | "failed" | "aborted";
  readonly retryable: boolean;
  readonly next: string;
  readonly refusals: readonly Refusal[];

  constructor(
    code: BranchError["code"],
    message: string,
    details: { next: string; retryable?: boolean; refusals?: readonly Refusal[]; cause?: unknown },
  ) {
    super(message, { cause: details.cause });
    this.name = "BranchError";
    this.code = code;
    this.next = details.next;
    this.retryable = details.retryable ?? false;
    this.refusals = details.refusals ?? [];
  }
}

/** Returns the five-character SQLSTATE of a server error, or undefined. */
export function sqlState(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
