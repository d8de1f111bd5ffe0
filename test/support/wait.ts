import { setTimeout } from "node:timers/promises";

interface Patience {
  /** Timeout in milliseconds; 15 s by default. */
  readonly deadline?: number;
  /** Milliseconds between two checks; 25 by default. */
  readonly every?: number;
  /** What is awaited, for the error's message. */
  readonly what?: string;
}

/**
 * Polls until the condition's value is truthy, and returns that value. A
 * condition that throws counts as "not yet"; the error contains what it last threw or returned.
 *
 * @throws Error when the deadline has passed.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { deadline = 15_000, every = 25, what = condition.toString() }: Patience = {},
): Promise<Exclude<T, false | null | undefined>> {
  const end = Date.now() + deadline;
  let last: unknown;
  do {
    try {
      const value = await condition();
      if (value) return value as Exclude<T, false | null | undefined>;
      last = value;
    } catch (error) {
      last = error;
    }
    await setTimeout(every);
  } while (Date.now() < end);
  const seen = last instanceof Error ? last.message : String(last);
  throw new Error(`Waited ${deadline} ms for: ${what}\nLast seen: ${seen}`);
}
