import { rotate } from "../../host/fs/log-rotation.ts";
import { logErrors, setCoalescedInterval } from "../../host/timers/interval.ts";
import type { Layout } from "../../model/layout.ts";

const INTERVAL_MS = 60_000;

/** Rotates the logs of nginx and Postgres, which may run for months. Returns a function that stops it. */
export function rotateLogs({ logs }: Layout, journal: (line: string) => void): () => void {
  const rotateAll = () =>
    Promise.all(["nginx.log", "postgres.log"].map((name) => rotate(`${logs}/${name}`)));
  logErrors(rotateAll, journal)();
  return setCoalescedInterval(INTERVAL_MS, rotateAll, journal);
}
