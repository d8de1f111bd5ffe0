/** What the machine's clocks say at one moment, in milliseconds. */
export interface Reading {
  /** Another one after every start of the machine; empty where that cannot be had. */
  readonly boot: string;
  /** Since the machine's start; nobody sets it. */
  readonly uptime: number;
  /** Since the epoch; anybody may set it. */
  readonly clock: number;
}

/** The clock that the age of removed data is counted by, as it stood at a reading. */
export interface RetentionClock extends Reading {
  readonly at: number;
}

/** How much of the time in which the machine was off counts: its clock alone tells of that. */
const OFF_MS = 86_400_000;

/**
 * Goes on from where it stood by the time that went by, whatever the time of day was set to
 * meanwhile. So a clock that jumps, by years even, brings no data nearer to its end.
 */
export function advance(before: RetentionClock | undefined, now: Reading): RetentionClock {
  if (!before) return { ...now, at: now.clock };
  const ranOn = before.boot === now.boot && now.uptime >= before.uptime;
  const wasOff = Math.min(OFF_MS, Math.max(0, now.clock - before.clock));
  return { ...now, at: before.at + (ranOn ? now.uptime - before.uptime : wasOff) };
}

/** Whether it has to be written down again: what went by since would be lost with the machine's end. */
export function isWorthKeeping(before: RetentionClock | undefined, now: RetentionClock): boolean {
  return !before || before.boot !== now.boot || now.uptime - before.uptime >= KEEP_MS;
}

const KEEP_MS = 3_600_000;
