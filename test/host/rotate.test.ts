import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { rotate } from "../../src/host/fs/log-rotation.ts";
import { canLimitFiles, withFileLimit } from "../support/file-limit.ts";

const LARGE = 10_485_761;
/** Rotates with the shell's function, as the controls do when a server starts. */
const BASE = new URL("../../controls/scripts/lib/base.sh", import.meta.url).pathname;
const SCRIPT = `rotate=$(sed -n '/^rotate() {/,/^}/p' '${BASE}'); eval "$rotate"; trap '' XFSZ; rotate "$1"`;
const rotators = [
  ["the daemon", rotate],
  [
    "a control",
    (log: string) => void execFileSync("sh", ["-c", SCRIPT, "sh", log], { stdio: "ignore" }),
  ],
] as const;

let directory: string;
let log: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "iki-rotate-"));
  log = join(directory, "nginx.log");
  writeFileSync(log, "0".padEnd(LARGE, "x"));
  for (let n = 1; n <= 5; n++) writeFileSync(`${log}.${n}`, String(n));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const first = (path: string) => readFileSync(path, "utf8").slice(0, 1);
const kept = () =>
  readdirSync(directory)
    .sort()
    .map((name) => `${name.slice("nginx.log".length)}=${first(join(directory, name))}`);

test.each(rotators)("%s keeps the five latest", async (_, rotateLog) => {
  await rotateLog(log);
  expect(kept()).toEqual(["=", ".1=0", ".2=1", ".3=2", ".4=3", ".5=4"]);
});

test.runIf(canLimitFiles).each(rotators)(
  "%s loses nothing if there is no space for a copy",
  async (_, rotateLog) => {
    for (let times = 0; times < 6; times++) {
      await withFileLimit(4096, async () => rotateLog(log)).catch(() => {});
    }
    expect(kept()).toEqual(["=0", ".1=1", ".2=2", ".3=3", ".4=4", ".5=5"]);
  },
);
