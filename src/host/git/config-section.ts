import fs from "node:fs";
import { readIfThere } from "../fs/files.ts";

/** Our section as git writes it, at the very end of the file. */
const AT_THE_END = /\n\[hook "ikigai"\]\n(?:\t(?:command|event|enabled|lineFeedAdded) = .*\n)+$/;
const LINE_FEED_ADDED = "\tlineFeedAdded = true\n";

/** Tells whether git will add a line feed to the file's last line when it appends our section. */
export function willGetLineFeed(text: string): boolean {
  return !/^\s*\[hook "ikigai"\]/m.test(text) && text !== "" && !text.endsWith("\n");
}

/**
 * Returns the configuration file's content from before git added a line feed and our section. Undefined if no
 * line feed was added, or something was written after the section.
 */
export function textBeforeSection(config: string): Buffer | undefined {
  const text = readIfThere(config)?.toString("latin1") ?? "";
  const found = AT_THE_END.exec(text);
  if (!found?.[0].includes(LINE_FEED_ADDED)) return undefined;
  return Buffer.from(text.slice(0, found.index), "latin1");
}

/**
 * Removes the line feed that `git config --remove-section` leaves, if the file is otherwise as it was before.
 * Works without git's lock, which would be left behind if we were killed: truncates the descriptor that was
 * read, so a file that git renames into place meanwhile is not touched.
 */
export function cutLineFeed(config: string, before: Buffer): void {
  let file: number;
  try {
    file = fs.openSync(config, "r+");
  } catch {
    // Inaccessible or deleted. An extra empty line does no harm.
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
