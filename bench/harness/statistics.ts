/** Statistics of a list of samples; all in the samples' unit. */
export interface Summary {
  readonly rounds: number;
  readonly median: number;
  readonly p95: number;
  /** Half the distance between the quartiles: how far a typical round lies from the median. */
  readonly spread: number;
}

export function summarise(samples: readonly number[]): Summary {
  const sorted = [...samples].sort((a, b) => a - b);
  return {
    rounds: sorted.length,
    median: quantile(sorted, 0.5),
    p95: quantile(sorted, 0.95),
    spread: (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / 2,
  };
}

/** Quantile of sorted samples, interpolated. NaN for an empty list. */
function quantile(sorted: readonly number[], share: number): number {
  const at = (sorted.length - 1) * share;
  const [below = Number.NaN, above = below] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return below + (above - below) * (at - Math.floor(at));
}
