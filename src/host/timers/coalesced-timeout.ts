/** Half a second: all wake-ups are at multiples of this. */
const TICK_MS = 500;

interface Waiting {
  /** When to run, as the number of a tick since this process began. */
  readonly tick: number;
  readonly run: () => void;
}

const waiting = new Set<Waiting>();
/** The tick that the timer is set for. */
let scheduled = Number.POSITIVE_INFINITY;
let timer: NodeJS.Timeout | undefined;

/**
 * `setTimeout` rounded to a full second (half a second below 1 s), so that all periodic work shares one
 * wake-up: waking an idle process costs more than most of the work done then. `run` must not throw. Returns a
 * cancel function.
 */
export function setCoalescedTimeout(milliseconds: number, run: () => void): () => void {
  const now = performance.now();
  const step = milliseconds < 2 * TICK_MS ? 1 : 2;
  const next = step * (Math.floor(now / (step * TICK_MS)) + 1);
  const wanted = step * Math.round((now + milliseconds) / (step * TICK_MS));
  const entry = { tick: Math.max(next, wanted), run };
  waiting.add(entry);
  schedule();
  return () => void waiting.delete(entry);
}

/** Sets the timer for the earliest waiting entry. */
function schedule(): void {
  const first = Math.min(...[...waiting].map(({ tick }) => tick));
  // Nothing waits, or the timer is set for an earlier tick.
  if (first >= scheduled) return;
  clearTimeout(timer);
  scheduled = first;
  timer = setTimeout(runDue, Math.max(1, first * TICK_MS - performance.now()));
}

function runDue(): void {
  // A timer may fire a fraction of a millisecond early.
  const tick = Math.round(performance.now() / TICK_MS);
  // Entries added while running do not set the timer; `schedule` runs once at the end.
  scheduled = Number.NEGATIVE_INFINITY;
  try {
    // An entry may have been cancelled by an earlier one.
    for (const entry of [...waiting].filter((each) => each.tick <= tick)) {
      if (waiting.delete(entry)) entry.run();
    }
  } finally {
    scheduled = Number.POSITIVE_INFINITY;
    schedule();
  }
}
