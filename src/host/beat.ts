/** A time is met to within half of this. */
const BEAT_MS = 500;

interface Waiting {
  /** The number of a beat, counted since this process began. */
  readonly beat: number;
  readonly run: () => void;
}

const waiting = new Set<Waiting>();
let isBeating = false;

/**
 * Like `setTimeout`, moved to the nearest of the moments, half a second apart, at which everything
 * regular is done: to wake a process at rest costs more than most of what it then looks at. Work
 * may not throw. Returns the way to give it up.
 */
export function onBeat(milliseconds: number, run: () => void): () => void {
  const now = performance.now();
  const next = Math.floor(now / BEAT_MS) + 1;
  const one = { beat: Math.max(next, Math.round((now + milliseconds) / BEAT_MS)), run };
  waiting.add(one);
  if (!isBeating) setTimeout(strike, untilBeat(next));
  isBeating = true;
  return () => void waiting.delete(one);
}

function strike(): void {
  // A timer may be early by a part of a millisecond.
  const beat = Math.round(performance.now() / BEAT_MS);
  const due = [...waiting].filter((one) => one.beat <= beat);
  isBeating = waiting.size > due.length;
  if (isBeating) setTimeout(strike, untilBeat(beat + 1));
  // One may have been given up by another.
  for (const one of due) if (waiting.delete(one)) one.run();
}

function untilBeat(beat: number): number {
  return Math.max(1, beat * BEAT_MS - performance.now());
}
