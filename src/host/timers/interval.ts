import { codeOf } from "../fs/files.ts";
import { setCoalescedTimeout } from "./coalesced-timeout.ts";

/**
 * The same work for a timer or a watch, whose failures reach nobody and would end this process: each
 * kind is told once, and once more when it comes back after the work has succeeded.
 */
export function logErrors<Given extends unknown[]>(
  work: (...given: Given) => unknown,
  journal: (line: string) => void,
): (...given: Given) => void {
  const told = new Set<string>();
  const failed = (error: unknown) => {
    // Messages name files, which may have another name each time.
    const kind = codeOf(error) ?? String(error);
    if (told.has(kind)) return;
    told.add(kind);
    journal(`failed, and is tried again: ${String(error)}`);
  };
  return (...given) => {
    try {
      const result = work(...given);
      if (result instanceof Promise) result.then(() => told.clear(), failed);
      else told.clear();
    } catch (error) {
      failed(error);
    }
  };
}

/** Does work again and again, whether it fails or not, to the nearest beat. Returns the way to end it. */
export function setCoalescedInterval(
  milliseconds: number,
  work: () => unknown,
  journal: (line: string) => void,
): () => void {
  const run = logErrors(work, journal);
  let giveUp = () => {};
  const next = () => {
    giveUp = setCoalescedTimeout(milliseconds, () => {
      next();
      run();
    });
  };
  next();
  return () => giveUp();
}
