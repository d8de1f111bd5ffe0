/** A process, with its start time to prove that it is still the same one. */
export interface SeenProcess {
  readonly pid: number;
  /** Clock ticks since boot. */
  readonly started: string;
  /** Its pid and command line, for display. */
  readonly title: string;
}

export function processesOf(
  marks: readonly string[],
  options?: { readonly patience?: number },
): Promise<SeenProcess[]>;

export function endAll(processes: readonly SeenProcess[]): Promise<void>;

export function endMarked(marks: readonly string[]): Promise<void>;
