import { execa } from "execa";

/**
 * Returns the output of lsof(8) with one field per line ("OUTPUT FOR OTHER PROGRAMS") and without names for
 * numbers; "" if lsof is not installed.
 */
export async function lsof(...args: string[]): Promise<string> {
  // lsof exits with 1 if it found nothing or could not inspect everything.
  const { stdout } = await execa("lsof", ["-nP", ...args], { reject: false, maxBuffer: 1 << 26 });
  return stdout ?? "";
}
