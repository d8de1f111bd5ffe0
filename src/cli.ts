#!/usr/bin/env node
import { quickly } from "./cli/client/fast-path.ts";

void quickly(process.argv.slice(2)).then(async (code) => {
  process.exitCode = code ?? (await (await import("./cli/program.ts")).main(process.argv));
});
