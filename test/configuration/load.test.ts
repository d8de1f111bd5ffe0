import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadConfiguration, loadProjectConfiguration } from "../../src/discovery/configuration.ts";

let base: string;
let directory: string;

beforeEach(() => {
  base = fs.mkdtempSync(join(fs.realpathSync(os.tmpdir()), "iki-"));
  directory = join(base, "main");
  fs.mkdirSync(directory);
});
afterEach(() => fs.rmSync(base, { recursive: true, force: true }));

function put(name: string, content: string): void {
  fs.mkdirSync(join(directory, name, ".."), { recursive: true });
  fs.writeFileSync(join(directory, name), content);
}

const load = (executable = true) => loadConfiguration(directory, { executable });

async function problem(): Promise<string> {
  const { problems, status } = await load();
  expect(status).toBe("invalid");
  return problems.map(({ file, key, message }) => [file, key, message].join(" ")).join("\n");
}

describe("finding the configuration", () => {
  it("works without a file, also in the directories above", async () => {
    fs.writeFileSync(join(base, ".ikigairc"), "http: { port: 9000 }");
    put("package.json", '{"name": "x"}');
    put(".ikigairc", " \n");
    expect(await load()).toMatchObject({ status: "none", problems: [], given: [] });
  });

  it.each([
    ["package.json", '{"ikigai": {"http": {"port": 9000}}}'],
    [".ikigairc", "http:\n  port: 9000\n"],
    [".ikigairc", '{"http": {"port": 9000}}'],
    [".ikigairc.json", '{"http": {"port": 9000}}'],
    [".ikigairc.yaml", "http: { port: 9000 }"],
    [".ikigairc.yml", "http: { port: 9000 }"],
    [".ikigairc.js", "module.exports = { http: { port: 9000 } };"],
    [".ikigairc.cjs", "exports.default = { http: { port: 9000 } }; exports.__esModule = true;"],
    [".ikigairc.mjs", "export default { http: { port: 9000 } };"],
    [".ikigairc.ts", "export const config = { http: { port: 9000 as number } };"],
    ["ikigai.config.js", "export const config = { http: { port: 9000 } };"],
    ["ikigai.config.mjs", "export default await Promise.resolve({ http: { port: 9000 } });"],
    [
      "ikigai.config.cjs",
      "const os = require('os'); module.exports = { http: { port: os ? 9000 : 1 } };",
    ],
    [
      "ikigai.config.ts",
      'import { defineConfig, type ConfigurationInput } from "ikigai";\nimport { join } from "node:path";\n' +
        "const port: number = join('a') ? 9000 : 1;\nexport default defineConfig({ http: { port } } satisfies ConfigurationInput);",
    ],
  ])("reads %s", async (name, content) => {
    put(name, content);
    const { status, file, configuration, given, problems } = await load();
    expect({ status, file, given, problems }).toEqual({
      status: "ok",
      file: name,
      given: ["http"],
      problems: [],
    });
    expect(configuration.http.port).toBe(9000);
  });

  it("reloads a program after a change", async () => {
    put("ikigai.config.ts", "export default { http: { port: 9000 } };");
    await load();
    put("ikigai.config.ts", "export default { http: { port: 9001 } };");
    expect((await load()).configuration.http.port).toBe(9001);
  });

  it("reads a directory whose name is not UTF-8", async () => {
    const raw = Buffer.concat([Buffer.from(`${base}/`), Buffer.from([0x77, 0xff])]);
    fs.mkdirSync(raw);
    fs.writeFileSync(Buffer.concat([raw, Buffer.from("/.ikigairc")]), "http: { port: 9000 }");
    expect((await loadConfiguration(raw, { executable: false })).configuration.http.port).toBe(
      9000,
    );
  });

  it("rejects two files", async () => {
    put("package.json", '{"ikigai": {}}');
    put("ikigai.config.ts", "export default {};");
    expect(await problem()).toBe("package.json  and ikigai.config.ts both exist; keep only one");
  });
});

describe("programs", () => {
  it("are not run until they are approved, and are shown as they are", async () => {
    const source = `import fs from "node:fs"; fs.writeFileSync(${JSON.stringify(join(base, "ran"))}, ""); export default { http: { port: 9000 } };`;
    put("ikigai.config.ts", source);
    const held = await load(false);
    expect(held).toMatchObject({ status: "held", file: "ikigai.config.ts", given: [] });
    expect(held.program?.content.toString()).toBe(source);
    expect(held.problems[0]?.message).toContain("ikigai trust");
    expect(held.configuration.http.port).toBe(8888);
    expect(fs.existsSync(join(base, "ran"))).toBe(false);

    const asked: string[] = [];
    const allowed = await loadConfiguration(directory, {
      executable: ({ hash }) => asked.push(hash) === 1,
    });
    expect(allowed.status).toBe("ok");
    expect(asked).toEqual([held.program?.hash]);
    expect(fs.existsSync(join(base, "ran"))).toBe(true);
  });

  it("cannot be imported by another file, nor from the working directory", async () => {
    const evil = `require("fs").writeFileSync(${JSON.stringify(join(base, "ran"))}, "");`;
    put("evil.js", evil);
    put(
      ".config/config.js",
      `${evil} module.exports = { cosmiconfig: { searchPlaces: ["evil.js"] } };`,
    );
    put(".ikigairc.json", '{"$import": "./evil.js"}');
    const before = process.cwd();
    process.chdir(directory);
    try {
      expect((await load(false)).status).toBe("invalid");
    } finally {
      process.chdir(before);
    }
    expect(fs.existsSync(join(base, "ran"))).toBe(false);
  });

  it.each([
    'import "./other.ts"; export default {};',
    'export default (await import("./other.ts")).default;',
    'module.exports = require("./other.ts");',
  ])("import no other file, since approval covers one: %s", async (source) => {
    put("other.ts", "export default {};");
    put("ikigai.config.ts", source);
    expect(await problem()).toContain('it imports "./other.ts"');
  });

  it.each([
    ["throw new Error('no luck');", "ikigai.config.ts  failed: no luck"],
    ["throw undefined;", "ikigai.config.ts  failed: undefined"],
    ["export default {", "ikigai.config.ts  failed: Unexpected token (1:"],
    [
      "export const other = 1;",
      "ikigai.config.ts  exports nothing; write: export default defineConfig({ … })",
    ],
    ["export default () => 1;", "ikigai.config.ts  exports something other than plain data"],
    ["export default { prot: 1 };", "ikigai.config.ts prot is not a setting"],
  ])("that fail say why: %s", async (source, expected) => {
    put("ikigai.config.ts", source);
    expect(await problem()).toContain(expected);
  });
});

describe("hostile files", () => {
  it("are refused when they are links that leave the directory", async () => {
    fs.writeFileSync(join(base, "secret"), "http: { port: 9000 }");
    fs.symlinkSync("../secret", join(directory, ".ikigairc"));
    expect(await problem()).toBe(
      `.ikigairc  is a link that leaves its directory, to "${base}/secret"`,
    );
  });

  it("may be links inside of it", async () => {
    put("settings/ikigai.yaml", "http: { port: 9000 }");
    fs.symlinkSync("settings/ikigai.yaml", join(directory, ".ikigairc"));
    expect((await load()).configuration.http.port).toBe(9000);
  });

  it.each([
    ["nowhere", "is a link to nothing"],
    [".ikigairc", "is a link to itself"],
    ["/dev/zero", 'is a link that leaves its directory, to "/dev/zero"'],
  ])("are refused as a link to %s", async (target, message) => {
    fs.symlinkSync(target, join(directory, ".ikigairc"));
    expect(await problem()).toBe(`.ikigairc  ${message}`);
  });

  it("are refused when they are huge, pipes or directories", async () => {
    put(".ikigairc", `# ${"x".repeat(1_048_576)}`);
    expect(await problem()).toBe(".ikigairc  is larger than 1 MB");
    fs.rmSync(join(directory, ".ikigairc"));
    execFileSync("mkfifo", [join(directory, ".ikigairc")]);
    expect(await problem()).toBe(".ikigairc  is not a regular file");
    fs.rmSync(join(directory, ".ikigairc"));
    fs.mkdirSync(join(directory, ".ikigairc"));
    expect(await problem()).toBe(".ikigairc  is not a regular file");
  });

  it("cannot explode or reach into objects", async () => {
    const levels = Array.from(
      { length: 12 },
      (_, i) => `a${i + 1}: &a${i + 1} [${Array(10).fill(`*a${i}`)}]`,
    );
    put(".ikigairc", ["a0: &a0 lol", ...levels].join("\n"));
    expect(await problem()).toContain("contains more than 10000 values");
    put(".ikigairc", "__proto__: { http: { port: 1 } }");
    expect(await problem()).toContain("is not allowed as a name");
    put(".ikigairc", "http: !!js/function 'function () {}'");
    expect(await problem()).toContain("cannot be read: unknown tag");
  });

  it("are reported with the position of a syntax error", async () => {
    put(".ikigairc", "http:\n  port: 1\n port: 2\n");
    expect(await problem()).toMatch(/^\.ikigairc {2}cannot be read: .*\(3:/);
    fs.rmSync(join(directory, ".ikigairc"));
    put(".ikigairc.json", '{"http": }');
    expect(await problem()).toBe(".ikigairc.json  cannot be read: a value is missing or invalid");
  });

  it("ignore a package.json in the middle of an edit", async () => {
    put("package.json", '{"name": ');
    expect((await load()).status).toBe("none");
    put("package.json", '{"ikigai": ');
    expect(await problem()).toContain("package.json  cannot be read");
  });
});

describe("the project's configuration", () => {
  const project = () => loadProjectConfiguration(base, directory, { executable: false });

  it("is that beside the worktrees where there is one, and otherwise the default worktree's", async () => {
    put(".ikigairc", "http: { port: 9001 }");
    expect(await project()).toMatchObject({
      shared: false,
      configuration: { http: { port: 9001 } },
    });
    fs.writeFileSync(join(base, ".ikigairc"), "http: { port: 9002 }");
    expect(await project()).toMatchObject({
      shared: true,
      configuration: { http: { port: 9002 } },
    });
  });

  it("applies to no other branch where the root itself is a worktree", async () => {
    put(".ikigairc", "http: { port: 9001 }");
    const own = await loadProjectConfiguration(directory, directory, { executable: false });
    expect(own).toMatchObject({ shared: false, configuration: { http: { port: 9001 } } });
  });
});
