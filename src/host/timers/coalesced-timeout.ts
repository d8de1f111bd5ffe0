/** Half a second: all wake-ups are at multiples of this. */
const BEAT_MS = 500;

interface Waiting {
  /** The number of the tick, counted since this process began. */
  readonly beat: number;
  readonly run: () => void;
}

const waiting = new Set<Waiting>();
/** The tick that the timer is set for. */
let planned = Number.POSITIVE_INFINITY;
let timer: NodeJS.Timeout | undefined;

/**
 * `setTimeout` rounded to a full second (half a second below 1 s), so that all periodic work shares one
 * wake-up: waking an idle process costs more than most of the work done then. `run` must not throw. Returns a
 * cancel function.
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

/** Sets the timer for the earliest waiting entry. */
function plan(): void {
  const first = Math.min(...[...waiting].map(({ beat }) => beat));
  // Nothing waits, or the timer is set for an earlier tick.
  if (first >= planned) return;
  clearTimeout(timer);
  planned = first;
  timer = setTimeout(strike, Math.max(1, first * BEAT_MS - performance.now()));
}

function strike(): void {
  // A timer may fire a fraction of a millisecond early.
  const beat = Math.round(performance.now() / BEAT_MS);
  // Entries added while running do not set the timer; `plan` runs once at the end.
  planned = Number.NEGATIVE_INFINITY;
  try {
    // An entry may have been cancelled by an earlier one.
    for (const one of [...waiting].filter((each) => each.beat <= beat)) {
      if (waiting.delete(one)) one.run();
    }
  } finally {
    planned = Number.POSITIVE_INFINITY;
    plan();
  }
}
