import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { environmentFile, isOwnEnvrc, quoteShell, renderEnvrc } from "../../src/model/envrc.ts";

const value = fc.string({ unit: "grapheme", maxLength: 40 }).filter((s) => !s.includes("\0"));
const nasty = [
  "'",
  "a'b\"c",
  "$(touch PWNED)`id`",
  "two\nlines\n",
  "\\",
  "!!",
  "*?[",
  "\u001b[2J",
  "",
  "#x",
  "~",
];

/** Returns the variables of a shell that has sourced a file. */
function readBy(shell: string, text: string, names: string[]): string[] {
  const directory = fs.mkdtempSync(join(os.tmpdir(), "iki-"));
  try {
    const file = join(directory, "env.sh");
    fs.writeFileSync(file, text);
    const script = `. "$0" && exec "$1" -e 'process.stdout.write(JSON.stringify(process.env))'`;
    const output = execFileSync(shell, ["-c", script, file, process.execPath], {
      cwd: directory,
      env: { PATH: "/usr/bin:/bin" },
      encoding: "utf8",
    });
    expect(fs.readdirSync(directory)).toEqual(["env.sh"]);
    const env = JSON.parse(output) as Record<string, string>;
    return names.map((name) => env[name] ?? "(unset)");
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}

describe("an environment file", () => {
  it.each(["sh", "bash", "zsh"])("means in %s exactly the values it was made from", (shell) => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 8 }), (values) => {
        const entries = [...values, ...nasty].map((v, i) => [`V${i}`, v] as const);
        const text = environmentFile(Object.fromEntries(entries));
        const read = readBy(
          shell,
          text,
          entries.map(([name]) => name),
        );
        expect(read).toEqual(entries.map(([, v]) => v));
      }),
      { numRuns: 10 },
    );
  });

  it("puts its programs first on PATH, whatever their directory is called", () => {
    const bin = "/it's $(touch PWNED)/bin";
    expect(readBy("sh", environmentFile({}, bin), ["PATH"])).toEqual([`${bin}:/usr/bin:/bin`]);
    expect(environmentFile({}, "/a:b/bin")).toBe("");
  });

  it("refuses what no environment can hold", () => {
    expect(() => environmentFile({ "A;B": "x" })).toThrow("not a valid variable name");
    expect(() => environmentFile({ A: "a\0b" })).toThrow("NUL");
    expect(() => renderEnvrc("/a\0b")).toThrow("NUL");
  });
});

describe("a generated .envrc", () => {
  it("has one shape, and is known by it", () => {
    const text = renderEnvrc("/a b/c'd.sh");
    expect(text.split("\n").filter((line) => line.includes("/a b"))).toEqual([
      `watch_file ${quoteShell("/a b/c'd.sh")}`,
      `if [[ -r ${quoteShell("/a b/c'd.sh")} ]]; then`,
      `  . ${quoteShell("/a b/c'd.sh")}`,
    ]);
    expect(isOwnEnvrc(text)).toBe(true);
    expect(isOwnEnvrc(`# mine\n${text}`)).toBe(false);
    expect(isOwnEnvrc("")).toBe(false);
  });

  it("is one word of shell per path, whatever is in it", () => {
    fc.assert(
      fc.property(value, (path) => {
        const text = renderEnvrc(`/absent/${path}`);
        const stubs =
          "watch_file() { printf '%s\\0' \"$#\" \"$1\"; }; log_status() { printf '%s' missing; }\n";
        const output = execFileSync("bash", ["-c", stubs + text], { encoding: "utf8", cwd: "/" });
        expect(output).toBe(`1\0/absent/${path}\0missing`);
      }),
      { numRuns: 20 },
    );
  });
});
