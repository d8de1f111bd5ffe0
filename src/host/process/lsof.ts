import { execa } from "execa";

/**
 * What lsof(8) says, one line a field ("OUTPUT FOR OTHER PROGRAMS"), without names for numbers;
 * nothing where there is no lsof.
 */
export async function lsof(...args: string[]): Promise<string> {
  // It ends with 1 when it found nothing or could not look at everything.
  const { stdout } = await execa("lsof", ["-nP", ...args], { reject: false, maxBuffer: 1 << 26 });
  return stdout ?? "";
}
