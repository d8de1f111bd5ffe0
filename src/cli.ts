#!/usr/bin/env node
import { quickly } from "./commands/quick.ts";

// A reader that has seen enough is no error of ours.
process.stdout.on("error", () => process.exit(0));
process.exitCode =
  (await quickly(process.argv.slice(2))) ??
  (await (await import("./commands/program.ts")).main(process.argv));
