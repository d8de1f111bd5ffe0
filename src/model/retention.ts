/** What decides how long a removed worktree's data is kept; `age` in milliseconds. */
export interface Retention {
  readonly age: number;
  readonly count: number;
}

/** A longer retention that was in force, and holds beside its follower for another day. */
interface Earlier extends Retention {
  /** By the retention clock, in milliseconds. */
  readonly until: number;
}

/** What holds for data that was put aside, and is kept with it. */
export interface KeptRetention extends Retention {
  readonly earlier: readonly Earlier[];
}

/** Data that was put aside. */
export interface Aside {
  readonly schema: string;
  /** When it was put aside, by the retention clock. */
  readonly retired: Date;
}

const DAY = 86_400_000;
/** Of data whose retention is unknown: nothing goes by it. */
const FOREVER: Retention = { age: Number.MAX_SAFE_INTEGER, count: Number.MAX_SAFE_INTEGER };

/**
 * The retention that holds from now on. A shorter one takes effect after a day, as it may come by an
 * event (a checkout, another default worktree); one that nobody can tell at the moment changes nothing.
 *
 * @param kept what was written down last: null where nothing was yet, undefined where it is not known
 * @param given what the settings say; undefined while they cannot be read
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
  // Back and forth again and again, it is one day from the last time.
  const others = earlier.filter((one) => one.age !== before.age || one.count !== before.count);
  const last = { age: before.age, count: before.count, until: now + DAY };
  return { age, count, earlier: [...others, last] };
}

/** When the present retention is in force alone; undefined where it is already. */
export function shortensAt({ earlier }: KeptRetention): number | undefined {
  return earlier.length > 0 ? Math.max(...earlier.map(({ until }) => until)) : undefined;
}

/**
 * When each goes for good: once it is too old, or a day after enough newer ones
 * came to push it out, so that there always is a day in which that can be told. While an earlier
 * retention holds, nothing goes that it would keep.
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
  // With `count` newer ones there, the last of these was one too many.
  const pushedOutBy = newestFirst[i - count] ?? (count === 0 ? aside : undefined);
  const pushed = pushedOutBy ? pushedOutBy.retired.getTime() + DAY : Number.POSITIVE_INFINITY;
  return Math.min(aside.retired.getTime() + age, pushed);
}

/** Whether its end is near enough to be told unasked. */
export function goesSoon(goes: Date, now: Date): boolean {
  return goes.getTime() - now.getTime() <= DAY;
}
