/** How long (`age`, in milliseconds) and how many (`count`) removed worktrees' data is kept. */
export interface Retention {
  readonly age: number;
  readonly count: number;
}

/** A longer retention that was in force, and still applies besides its successor for a day. */
interface Earlier extends Retention {
  /** Milliseconds of the retention clock. */
  readonly until: number;
}

/** The retention in force, which is stored with the data. */
export interface KeptRetention extends Retention {
  readonly earlier: readonly Earlier[];
}

/** Retired data. */
export interface Aside {
  readonly schema: string;
  /** When it was retired, by the retention clock. */
  readonly retired: Date;
}

const DAY = 86_400_000;
/** The retention of data for which it is unknown: nothing expires. */
const FOREVER: Retention = { age: Number.MAX_SAFE_INTEGER, count: Number.MAX_SAFE_INTEGER };

/**
 * Computes the retention in force from now on. A shorter one takes effect after a day, because it may be
 * an accident (a checkout, another default worktree); an unreadable one changes nothing.
 *
 * @param kept the stored retention; null if none was stored yet, undefined if it is unknown
 * @param given the configured retention; undefined while the configuration cannot be read
 * @param now milliseconds of the retention clock
 */
export function followRetention(
  kept: KeptRetention | null | undefined,
  given: Retention | undefined,
  fallback: Retention,
  now: number,
): KeptRetention {
  const fresh = kept === null ? (given ?? fallback) : FOREVER;
  const before = kept ?? { ...fresh, earlier: [] };
  const { age, count } = given ?? kept ?? fallback;
  const earlier = before.earlier.filter(({ until }) => until > now);
  if (age >= before.age && count >= before.count) return { age, count, earlier };
  // When settings alternate, the day starts again at the last change.
  const others = earlier.filter((one) => one.age !== before.age || one.count !== before.count);
  const last = { age: before.age, count: before.count, until: now + DAY };
  return { age, count, earlier: [...others, last] };
}

/** Returns when the current retention will apply alone; undefined if it already does. */
export function shortensAt({ earlier }: KeptRetention): number | undefined {
  return earlier.length > 0 ? Math.max(...earlier.map(({ until }) => until)) : undefined;
}

/**
 * Computes when each expires: when it is too old, or a day after newer ones exceed the count, so that
 * there is always a day to announce it. While an earlier retention applies, nothing expires that it keeps.
 */
export function expiries<T extends Aside>(
  asides: readonly T[],
  { earlier = [], ...present }: Retention & Partial<KeptRetention>,
): (T & { readonly goes: Date })[] {
  const newestFirst = [...asides].sort((a, b) => b.retired.getTime() - a.retired.getTime());
  return newestFirst.map((aside, i) => {
    const ends = earlier.map((one) => Math.min(one.until, endOf(newestFirst, i, one)));
    return { ...aside, goes: new Date(Math.max(endOf(newestFirst, i, present), ...ends)) };
  });
}

function endOf(newestFirst: readonly Aside[], i: number, { age, count }: Retention): number {
  const aside = newestFirst[i];
  if (!aside) return Number.NaN;
  // The oldest of `count` newer ones is the one that exceeded the count.
  const pushedOutBy = newestFirst[i - count] ?? (count === 0 ? aside : undefined);
  const pushed = pushedOutBy ? pushedOutBy.retired.getTime() + DAY : Number.POSITIVE_INFINITY;
  return Math.min(aside.retired.getTime() + age, pushed);
}

/** Whether it expires within a day, which is announced without being asked for. */
export function goesSoon(goes: Date, now: Date): boolean {
  return goes.getTime() - now.getTime() <= DAY;
}
