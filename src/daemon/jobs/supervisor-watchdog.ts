import { detectRelocation } from "../../host/project/location.ts";
import { findSupervisor, isSupervisorAlive, reviveSupervisor } from "../../host/runit/runsvdir.ts";
import { setCoalescedInterval } from "../../host/timers/interval.ts";
import type { Layout } from "../../model/layout.ts";

const INTERVAL_MS = 1_000;
/** The pause after a start that did not succeed. */
const AGAIN_MS = 15_000;

/**
 * Restarts runsvdir, which no other process supervises. If it is killed, running services continue but
 * none can be added or removed. Returns a function that stops it.
 */
export function watchSupervisor(layout: Layout, journal: (line: string) => void): () => void {
  // A daemon started by hand has no runsvdir.
  let seen = isSupervisorAlive(layout);
  let missed = 0;
  let revivedAt = Number.NEGATIVE_INFINITY;
  const check = () => {
    // After the project was moved it runs under the old path until the next `ikigai start`.
    if (isSupervisorAlive(layout) || detectRelocation(layout).kind !== "same") {
      seen = true;
      missed = 0;
      return;
    }
    missed++;
    // A single miss may be the moment in which it is being started.
    const due = missed > 1 && performance.now() - revivedAt > AGAIN_MS;
    if (!due || !(seen || isSupervised()) || findSupervisor(layout)) return;
    revivedAt = performance.now();
    journal("runsvdir ended unexpectedly; starting it again");
    reviveSupervisor(layout);
  };
  return setCoalescedInterval(INTERVAL_MS, check, journal);
}

/** Whether this daemon was started by a runsvdir, even one that was killed since. */
function isSupervised(): boolean {
  return process.env.IKIGAI_SUPERVISED !== undefined;
}
