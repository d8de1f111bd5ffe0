#!/usr/bin/env node
import { quickly } from "./commands/quick.ts";

void quickly(process.argv.slice(2)).then(async (code) => {
  process.exitCode = code ?? (await (await import("./commands/program.ts")).main(process.argv));
});
