import { detectRelocation } from "../../host/project/location.ts";
import { findSupervisor, isSupervisorAlive, reviveSupervisor } from "../../host/runit/runsvdir.ts";
import { setCoalescedInterval } from "../../host/timers/interval.ts";
import type { Layout } from "../../model/layout.ts";

const LOOK_MS = 1_000;
/** A start that did not succeed is not repeated at once. */
const AGAIN_MS = 15_000;

/**
 * Nobody looks after runsvdir itself. Services whose runsvdir was killed go on, but none would
 * come or go any more: the daemon has it started again. Returns the way to end it.
 */
export function watchSupervisor(layout: Layout, journal: (line: string) => void): () => void {
  // A daemon that was started by hand has none.
  let seen = isSupervisorAlive(layout);
  let missed = 0;
  let revivedAt = Number.NEGATIVE_INFINITY;
  const look = () => {
    // After a move it goes on under the old name, until a start puts that right.
    if (isSupervisorAlive(layout) || detectRelocation(layout).kind !== "same") {
      seen = true;
      missed = 0;
      return;
    }
    missed++;
    // Once may be the moment in which it is started.
    const due = missed > 1 && performance.now() - revivedAt > AGAIN_MS;
    if (!due || !(seen || isSupervised()) || findSupervisor(layout)) return;
    revivedAt = performance.now();
    journal("runsvdir has ended although nobody asked for it: it is started again");
    reviveSupervisor(layout);
  };
  return setCoalescedInterval(LOOK_MS, look, journal);
}

/** Whether a runsvdir started us, now or before it was killed. */
function isSupervised(): boolean {
  return process.env.IKIGAI_SUPERVISED !== undefined;
}
