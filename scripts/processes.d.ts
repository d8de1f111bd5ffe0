/** A process that was seen, with the start time that proves it is still the same one. */
export interface SeenProcess {
  readonly pid: number;
  /** Clock ticks since boot. */
  readonly started: string;
  /** Its pid and command line, for a person. */
  readonly title: string;
}

export function processesOf(
  marks: readonly string[],
  options?: { readonly patience?: number },
): Promise<SeenProcess[]>;

export function endAll(processes: readonly SeenProcess[]): Promise<void>;

export function endMarked(marks: readonly string[]): Promise<void>;
