/** Half a second. */
const BEAT_MS = 500;

interface Waiting {
  /** The number of a beat, counted since this process began. */
  readonly beat: number;
  readonly run: () => void;
}

const waiting = new Set<Waiting>();
/** The beat that the timer is set for. */
let planned = Number.POSITIVE_INFINITY;
let timer: NodeJS.Timeout | undefined;

/**
 * Like `setTimeout`, moved to the nearest of the moments at which everything regular is done, a whole
 * second apart, or half of one where that is asked for: to wake a process at rest costs more than most
 * of what it then looks at. Work may not throw. Returns the way to give it up.
 */
export function setCoalescedTimeout(milliseconds: number, run: () => void): () => void {
  const now = performance.now();
  const step = milliseconds < 2 * BEAT_MS ? 1 : 2;
  const next = step * (Math.floor(now / (step * BEAT_MS)) + 1);
  const wanted = step * Math.round((now + milliseconds) / (step * BEAT_MS));
  const one = { beat: Math.max(next, wanted), run };
  waiting.add(one);
  plan();
  return () => void waiting.delete(one);
}

/** Wakes for the first that waits, and not before. */
function plan(): void {
  const first = Math.min(...[...waiting].map(({ beat }) => beat));
  // None waits, or another is earlier.
  if (first >= planned) return;
  clearTimeout(timer);
  planned = first;
  timer = setTimeout(strike, Math.max(1, first * BEAT_MS - performance.now()));
}

function strike(): void {
  // A timer may be early by a part of a millisecond.
  const beat = Math.round(performance.now() / BEAT_MS);
  // What asks to be done again waits for the one plan at the end.
  planned = Number.NEGATIVE_INFINITY;
  try {
    // One may have been given up by another.
    for (const one of [...waiting].filter((each) => each.beat <= beat)) {
      if (waiting.delete(one)) one.run();
    }
  } finally {
    planned = Number.POSITIVE_INFINITY;
    plan();
  }
}
