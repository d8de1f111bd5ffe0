import fs from "node:fs";
import { serialize } from "node:v8";
import { evaluateConfiguration } from "./configuration-program.ts";

/** The process that evaluates one configuration program: reads source and path, writes the exported value. */
const { source, path } = JSON.parse(fs.readFileSync(0, "utf8")) as {
  readonly source: string;
  readonly path: string;
};
const RESULT = 3;

function answer(value: unknown): void {
  const bytes = serialize(value);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  fs.writeFileSync(RESULT, Buffer.concat([length, bytes]));
  // Do not wait for handles that the program left open.
  process.exit(0);
}

evaluateConfiguration(source, path).then(
  (evaluated) => {
    try {
      answer(evaluated);
    } catch {
      answer({ ok: false, message: "exports something other than plain data, such as a function" });
    }
  },
  (error: unknown) => answer({ ok: false, message: `failed: ${String(error)}` }),
);
