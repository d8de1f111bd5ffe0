#!/usr/bin/env node
import { quickly } from "./commands/quick.ts";

process.exitCode =
  (await quickly(process.argv.slice(2))) ??
  (await (await import("./commands/program.ts")).main(process.argv));
