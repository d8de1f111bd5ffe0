import { execa } from "execa";
import type { Layout } from "../../model/layout.ts";
import { UserError } from "../../model/user-error.ts";

/**
 * Runs one of the controls of `.ikigai/bin` and returns its output.
 *
 * @throws UserError with the control's message and `next:` line when it fails
 */
export async function control(layout: Layout, name: string, ...args: string[]): Promise<string> {
  const result = await execa(`${layout.bin}/${name}`, args, {
    reject: false,
    stdin: "ignore",
    all: true,
  });
  if (result.exitCode === 0) return result.all;
  const lines = (result.all || `${name} ${args.join(" ")} failed`).split("\n");
  const next = lines.find((line) => line.startsWith("  next: "))?.slice("  next: ".length);
  const text = lines.filter((line) => !line.startsWith("  next: ")).join("\n");
  // `report` puts the prefix before every error.
  throw new UserError(text.replace(/^ikigai: /, ""), next);
}
