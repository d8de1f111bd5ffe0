/** Lines that name an error in common languages. */
const ERROR =
  /(?:^|[\s(])(?:[A-Za-z_$][\w.$]*)?(?:Error|Exception)\b(?: \[\w+\])?(?::|\)|$)|^panic:|\bfatal\b|^error\b/i;
/** Error messages of shells and system calls. */
const REFUSAL =
  /: not found$|command not found|No such file or directory|Permission denied|\bE[A-Z]{4,}\b/;
/** Stack frames, and what runtimes print around them. */
const NOISE = /^\s*(?:at |\^+\s*$|[{}\]);,]+$)|^Node\.js v\d|^\s*$/;

const LINES = 3;

/**
 * Selects the lines of a failed run that explain the failure: a line that names an error with its
 * neighbours, else the last lines. In a Python traceback the error comes last, elsewhere it comes first.
 */
export function excerptOf(lines: readonly string[]): readonly string[] {
  const isTraceback = lines.some((line) => line.startsWith("Traceback "));
  const named = lines.flatMap((line, i) => (ERROR.test(line) && !NOISE.test(line) ? [i] : []));
  const refused = lines.flatMap((line, i) => (REFUSAL.test(line) ? [i] : []));
  const all = named.length > 0 ? named : refused;
  const at = isTraceback ? all.at(-1) : all[0];
  if (at === undefined) {
    const told = lines.filter((line) => !NOISE.test(line));
    return (told.length > 0 ? told : lines).slice(-LINES);
  }
  if (isTraceback) return lines.slice(Math.max(0, at - LINES + 1), at + 1);
  const after = lines.slice(at + 1).filter((line) => !/^[\s{}]*$/.test(line));
  return [lines[at] ?? "", ...after.slice(0, LINES - 1)];
}
