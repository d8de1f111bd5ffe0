import fs from "node:fs";
import { codeOf } from "../files.ts";
import { replaceFile } from "./replace-file.ts";

/** As git writes it; behind it, to the end, nothing that is not ours. */
const AT_THE_END = /\n\[hook "ikigai"\]\n(?:\t(?:command|event|enabled|lineFeedAdded) = .*\n)+$/;
const LINE_FEED_ADDED = "\tlineFeedAdded = true\n";

/** Whether git will end the file's last line when it writes our section behind it. */
export function willGetLineFeed(text: string): boolean {
  return !/^\s*\[hook "ikigai"\]/m.test(text) && text !== "" && !text.endsWith("\n");
}

/**
 * Takes our section out of a configuration file together with the line feed that git had put
 * before it, which `git config --remove-section` leaves.
 *
 * @returns false where that is for git to do: no line feed was added, somebody wrote behind the
 *   section, or the file is locked.
 */
export function cutSection(config: string): boolean {
  if (placeOf(fs.readFileSync(config, "latin1")) === undefined) return false;
  const file = fs.realpathSync(config);
  const lock = `${file}.lock`;
  try {
    fs.closeSync(fs.openSync(lock, "wx"));
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
  try {
    const text = fs.readFileSync(file, "latin1");
    const place = placeOf(text);
    if (place === undefined) return false;
    replaceFile(Buffer.from(file), text.slice(0, place), fs.statSync(file).mode & 0o777);
    return true;
  } finally {
    fs.rmSync(lock);
  }
}

/** Where the text that was there before ends. */
function placeOf(text: string): number | undefined {
  const found = AT_THE_END.exec(text);
  return found?.[0].includes(LINE_FEED_ADDED) ? found.index : undefined;
}
