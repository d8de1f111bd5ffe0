/** What decides how long a removed worktree's data is kept; `age` in milliseconds. */
export interface Retention {
  readonly age: number;
  readonly count: number;
}

/** Data that was put aside. */
export interface Aside {
  readonly schema: string;
  /** When it was put aside, by the retention clock. */
  readonly retired: Date;
}

const DAY = 86_400_000;

/**
 * When each goes for good: once it is too old, or a day after enough newer ones
 * came to push it out, so that there always is a day in which that can be told.
 */
export function expiries<T extends Aside>(
  asides: readonly T[],
  { age, count }: Retention,
): (T & { readonly goes: Date })[] {
  const newestFirst = [...asides].sort((a, b) => b.retired.getTime() - a.retired.getTime());
  return newestFirst.map((aside, i) => {
    const old = aside.retired.getTime() + age;
    // With `count` newer ones there, the last of these was one too many.
    const pushedOutBy = newestFirst[i - count] ?? (count === 0 ? aside : undefined);
    const pushed = pushedOutBy ? pushedOutBy.retired.getTime() + DAY : Number.POSITIVE_INFINITY;
    return { ...aside, goes: new Date(Math.min(old, pushed)) };
  });
}

/** Whether its end is near enough to be told unasked. */
export function goesSoon(goes: Date, now: Date): boolean {
  return goes.getTime() - now.getTime() <= DAY;
}
