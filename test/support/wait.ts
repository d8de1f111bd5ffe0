import { setTimeout } from "node:timers/promises";

interface Patience {
  /** Milliseconds until it is given up; 15 s when left out. */
  readonly deadline?: number;
  /** Milliseconds between two looks; 25 when left out. */
  readonly every?: number;
  /** What is waited for, for the error. */
  readonly what?: string;
}

/**
 * Looks again and again until the condition's value is truthy, and returns that value. A
 * condition that throws counts as "not yet"; what it last threw, or returned, is in the error.
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
