const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/**
 * Parses "500ms", "15m", "1h30m" or "14d" to milliseconds; a bare number is seconds. Undefined if it is
 * malformed, negative, or not a safe integer.
 */
export function parseDuration(value: string | number): number | undefined {
  if (typeof value === "number") return exact(value * 1_000);
  const text = value.replaceAll(" ", "").toLowerCase();
  if (/^\d+(\.\d+)?$/.test(text)) return exact(Number(text) * 1_000);
  if (!/^(\d+(\.\d+)?(ms|[smhdw]))+$/.test(text)) return undefined;
  const parts = text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhdw])/g);
  return exact(
    [...parts].reduce((sum, [, n, unit]) => sum + Number(n) * (UNITS[unit ?? ""] ?? 0), 0),
  );
}

/** Formats milliseconds as the shortest text that `parseDuration` parses to the same value. */
export function formatDuration(milliseconds: number): string {
  const unit = ["d", "h", "m", "s"].find((name) => milliseconds % (UNITS[name] ?? 1) === 0) ?? "ms";
  return milliseconds === 0 ? "0s" : `${milliseconds / (UNITS[unit] ?? 1)}${unit}`;
}

function exact(milliseconds: number): number | undefined {
  const whole = Math.round(milliseconds);
  return Number.isSafeInteger(whole) && milliseconds >= 0 ? whole : undefined;
}
