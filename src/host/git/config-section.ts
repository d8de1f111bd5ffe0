import fs from "node:fs";
import { readIfThere } from "../fs/files.ts";

/** As git writes it; behind it, to the end, nothing that is not ours. */
const AT_THE_END = /\n\[hook "ikigai"\]\n(?:\t(?:command|event|enabled|lineFeedAdded) = .*\n)+$/;
const LINE_FEED_ADDED = "\tlineFeedAdded = true\n";

/** Whether git will end the file's last line when it writes our section behind it. */
export function willGetLineFeed(text: string): boolean {
  return !/^\s*\[hook "ikigai"\]/m.test(text) && text !== "" && !text.endsWith("\n");
}

/**
 * What a configuration file held before git put a line feed and our section behind it; undefined
 * where no line feed was added, or somebody wrote behind the section.
 */
export function textBeforeSection(config: string): Buffer | undefined {
  const text = readIfThere(config)?.toString("latin1") ?? "";
  const found = AT_THE_END.exec(text);
  if (!found?.[0].includes(LINE_FEED_ADDED)) return undefined;
  return Buffer.from(text.slice(0, found.index), "latin1");
}

/**
 * Takes the line feed away that `git config --remove-section` leaves, where the file holds nothing
 * else besides what was there before. Without git's lock, which would stay if we were killed: what
 * is cut is the file that was read, also where git has put another one in its place.
 */
export function cutLineFeed(config: string, before: Buffer): void {
  let file: number;
  try {
    file = fs.openSync(config, "r+");
  } catch {
    // Closed to us, or gone: an empty line is no harm.
    return;
  }
  try {
    const is = fs.readFileSync(file);
    if (is.equals(Buffer.concat([before, LINE_FEED]))) fs.ftruncateSync(file, before.length);
  } finally {
    fs.closeSync(file);
  }
}

const LINE_FEED = Buffer.from("\n");
