import type { Bench } from "./bench.ts";
import type { BenchProject } from "./project.ts";

export interface Peers {
  /** One measured side a peer: it makes one more worktree, and gives the milliseconds. */
  readonly sides: Readonly<Record<string, () => number>>;
  readonly notes: readonly string[];
}

/** The other tools that can be installed here. */
export async function peersOf(_bench: Bench, _project: BenchProject): Promise<Peers> {
  return { sides: {}, notes: [] };
}
