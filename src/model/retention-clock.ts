/** The machine's clocks at one moment, in milliseconds. */
export interface Reading {
  /** An identifier of the machine's current boot; empty if unavailable. */
  readonly boot: string;
  /** Time since boot, which cannot be set. */
  readonly uptime: number;
  /** Time since the epoch, which may be set. */
  readonly clock: number;
}

/** The clock that measures the age of retained data, as of a reading. */
export interface RetentionClock extends Reading {
  readonly at: number;
}

/** The maximum that counts of the time during which the machine was off, known only from its clock. */
const OFF_MS = 86_400_000;

/**
 * Advances the clock by the time that has passed, regardless of how the time of day was set meanwhile, so
 * that a jump of the clock, even by years, expires no data.
 */
export function advance(before: RetentionClock | undefined, now: Reading): RetentionClock {
  if (!before) return { ...now, at: now.clock };
  const ranOn = before.boot === now.boot && now.uptime >= before.uptime;
  const wasOff = Math.min(OFF_MS, Math.max(0, now.clock - before.clock));
  return { ...now, at: before.at + (ranOn ? now.uptime - before.uptime : wasOff) };
}

/** Whether it has to be saved again: the time since the last save is lost when the machine stops. */
export function isWorthKeeping(before: RetentionClock | undefined, now: RetentionClock): boolean {
  return !before || before.boot !== now.boot || now.uptime - before.uptime >= KEEP_MS;
}

const KEEP_MS = 3_600_000;
