#!/usr/bin/env node
import { tryFastPath } from "./cli/client/fast-path.ts";

void tryFastPath(process.argv.slice(2)).then(async (code) => {
  process.exitCode = code ?? (await (await import("./cli/program.ts")).main(process.argv));
});
