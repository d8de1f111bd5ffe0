import { execa } from "execa";
import type { Layout } from "../../model/layout.ts";
import { UserError } from "../../model/user-error.ts";

/** One of the manual controls; the same that people type. */
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
  // Said once more of every error.
  throw new UserError(text.replace(/^ikigai: /, ""), next);
}
