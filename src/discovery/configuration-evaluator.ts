import fs from "node:fs";
import { serialize } from "node:v8";
import { evaluateConfiguration } from "./configuration-program.ts";

/** A process of its own for one configuration program: source and path come in, what it exports goes out. */
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
  // What the program left open keeps nobody waiting.
  process.exit(0);
}

evaluateConfiguration(source, path).then(
  (evaluated) => {
    try {
      answer(evaluated);
    } catch {
      answer({ ok: false, message: "exports what is no plain value, such as a function" });
    }
  },
  (error: unknown) => answer({ ok: false, message: `failed: ${String(error)}` }),
);
