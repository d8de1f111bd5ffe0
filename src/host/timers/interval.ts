import { codeOf } from "../fs/files.ts";
import { setCoalescedTimeout } from "./coalesced-timeout.ts";

/**
 * Wraps a timer or watch callback: errors are logged instead of ending the process. Each kind of error is
 * logged once, and again only after the work has succeeded in between.
 */
export function logErrors<Given extends unknown[]>(
  work: (...given: Given) => unknown,
  journal: (line: string) => void,
): (...given: Given) => void {
  const logged = new Set<string>();
  const failed = (error: unknown) => {
    // Messages may contain file names that differ each time.
    const kind = codeOf(error) ?? String(error);
    if (logged.has(kind)) return;
    logged.add(kind);
    journal(`failed, and is tried again: ${String(error)}`);
  };
  return (...given) => {
    try {
      const result = work(...given);
      if (result instanceof Promise) result.then(() => logged.clear(), failed);
      else logged.clear();
    } catch (error) {
      failed(error);
    }
  };
}

/** Runs work periodically on shared wake-ups, whether it fails or not. Returns a function that stops it. */
export function setCoalescedInterval(
  milliseconds: number,
  work: () => unknown,
  journal: (line: string) => void,
): () => void {
  const run = logErrors(work, journal);
  let cancel = () => {};
  const next = () => {
    cancel = setCoalescedTimeout(milliseconds, () => {
      next();
      run();
    });
  };
  next();
  return () => cancel();
}
