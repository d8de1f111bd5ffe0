const POWERS = ["", "k", "m", "g", "t"];

/**
 * Parses "512MB", "1.5 GB" or "64 KiB" to bytes; a bare number is bytes. A kilobyte is 1024 bytes, as in
 * PostgreSQL. Undefined if it is malformed or negative.
 */
export function parseSize(value: string | number): number | undefined {
  if (typeof value === "number") return exact(value);
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/.exec(value.trim().toLowerCase());
  if (!match) return undefined;
  return exact(Number(match[1]) * 1024 ** POWERS.indexOf(match[2] ?? ""));
}

/** Formats bytes as "512MB", with one decimal unless the value is whole. */
export function formatSize(bytes: number): string {
  let power = 0;
  while (power < POWERS.length - 1 && bytes >= 1024 ** (power + 1)) power += 1;
  const value = bytes / 1024 ** power;
  const digits = Number.isInteger(value) ? `${value}` : value.toFixed(1);
  return `${digits}${(POWERS[power] ?? "").toUpperCase()}B`;
}

function exact(bytes: number): number | undefined {
  const whole = Math.round(bytes);
  return Number.isSafeInteger(whole) && bytes >= 0 ? whole : undefined;
}
