import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readApprovables } from "../../src/discovery/approvable-content.ts";
import { detectServices } from "../../src/discovery/services.ts";
import { DEFAULT_CONFIGURATION } from "../../src/model/configuration/configuration.ts";
import { checkConfiguration } from "../../src/model/configuration/problems.ts";
import { lineDiff } from "../../src/model/line-diff.ts";
import { holding, type TrustFacts, trustables } from "../../src/model/trust.ts";

const hash = (content: Uint8Array | string) => createHash("sha256").update(content).digest("hex");

function facts(raw: unknown, more: Partial<TrustFacts> = {}): TrustFacts {
  const checked = checkConfiguration(raw, "f");
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  return { configuration: checked.configuration, runs: [], ...more };
}

describe("what needs approval", () => {
  it("does not include plain numbers, names and variables", () => {
    const raw = {
      http: { port: 9000 },
      services: { web: { start: "always", env: { LOG_LEVEL: "debug" }, after: ["backend"] } },
    };
    expect(trustables(facts(raw), hash)).toEqual([]);
  });

  it("includes everything that runs something or extends what may run", () => {
    const raw = {
      programs: { nginx: "/opt/nginx" },
      postgres: { bin: "/opt/pg" },
      database: { migrate: ["npm", "run", "migrate"], seed: ["./seed"] },
      services: {
        web: {
          command: ["node", "x y.js"],
          permissions: ["--allow-net"],
          env: { LOG_LEVEL: "x", LD_PRELOAD: "./evil.so", NODE_OPTIONS: "--require ./evil.js" },
        },
      },
    };
    const program = { file: "ikigai.config.ts", content: Buffer.from("export default {}") };
    const runs = [
      {
        kind: "run" as const,
        service: "backend",
        path: "backend/run",
        content: Buffer.from([0, 1, 0xff]),
      },
    ];
    const found = trustables(facts(raw, { program, runs }), hash);
    expect(found.map(({ kind, what, text }) => [kind, what, text])).toEqual([
      ["configuration", "ikigai.config.ts", "export default {}"],
      ["program", "programs.nginx", '"/opt/nginx"'],
      ["program", "postgres.bin", '"/opt/pg"'],
      ["command", "database.migrate", '["npm","run","migrate"]'],
      ["command", "database.seed", '["./seed"]'],
      ["command", "services.web.command", '["node","x y.js"]'],
      ["permissions", "services.web.permissions", '["--allow-net"]'],
      [
        "environment",
        "services.web.env",
        '["LD_PRELOAD=./evil.so","NODE_OPTIONS=--require ./evil.js"]',
      ],
      ["run", "backend/run", undefined],
    ]);
  });

  it("includes variables that load code, in any case, and no others", () => {
    const asks = (name: string) =>
      trustables(facts({ services: { web: { env: { [name]: "x" } } } }), hash).length > 0;
    const loading =
      "HOME XDG_CONFIG_HOME OPENSSL_CONF ZDOTDIR COREPACK_NPM_REGISTRY TS_NODE_PROJECT BUN_OPTIONS DOTNET_STARTUP_HOOKS LUA_INIT PHPRC HTTPS_PROXY http_proxy ALL_PROXY NODE_PATH DENO_DIR npm_config_registry PYTHONPATH RUBYOPT PERL5LIB JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS _JAVA_OPTIONS LD_PRELOAD DYLD_INSERT_LIBRARIES GIT_SSH_COMMAND BASH_ENV ENV PATH GCONV_PATH SSL_CERT_FILE SSL_CERT_DIR CURL_HOME PAGER EDITOR VISUAL SHELL BROWSER";
    expect(loading.split(" ").filter((name) => !asks(name))).toEqual([]);
    const telling =
      "LOG_LEVEL API_URL FEATURE_FLAGS STRIPE_KEY TZ LANG DEBUG RUST_LOG HOMEPAGE LESSON PATHS CANARY";
    expect(telling.split(" ").filter(asks)).toEqual([]);
  });

  it("holds the service that it belongs to, and no other", () => {
    const raw = { database: { seed: ["x"] }, services: { a: { command: ["x"] }, b: {} } };
    const all = trustables(facts(raw), hash);
    expect(holding(all, "a").map(({ what }) => what)).toEqual(["services.a.command"]);
    expect(holding(all, "b")).toEqual([]);
  });

  it("is read from the files by which services start", () => {
    const top = fs.mkdtempSync(join(os.tmpdir(), "iki-"));
    try {
      for (const service of ["web", "worker", "plain"]) {
        fs.mkdirSync(join(top, service, "backend"), { recursive: true });
      }
      fs.writeFileSync(join(top, "web/backend/run"), "#!/bin/sh\n", { mode: 0o755 });
      fs.writeFileSync(join(top, "worker/backend/run"), "", { mode: 0o755 });
      fs.truncateSync(join(top, "worker/backend/run"), 65 * 1_048_576);
      fs.writeFileSync(join(top, "plain/backend/main.ts"), "");
      const path = Buffer.from(top);
      const { services } = detectServices(path);
      const read = () =>
        readApprovables({ path, services, configuration: DEFAULT_CONFIGURATION }).map(
          ({ what, service, text, hash }) => [what, service, text ?? "", hash],
        );
      const [web, worker, ...rest] = read();
      expect(web).toEqual(["web/backend/run", "web", "#!/bin/sh\n", hash("#!/bin/sh\n")]);
      expect(worker?.slice(0, 2)).toEqual(["worker/backend/run", "worker"]);
      expect(worker?.[2]).toContain("is larger than 64 MB");
      expect(read()[1]?.[3]).not.toBe(worker?.[3]);
      expect(rest).toEqual([]);
    } finally {
      fs.rmSync(top, { recursive: true });
    }
  });

  it("distinguishes contents", () => {
    const of = (run: string) =>
      trustables(
        facts(
          {},
          {
            runs: [
              { kind: "run", service: "backend", path: "backend/run", content: Buffer.from(run) },
            ],
          },
        ),
        hash,
      )[0]?.hash;
    expect(of("a")).toBe(of("a"));
    expect(of("a")).not.toBe(of("b"));
    const words = (...command: string[]) =>
      trustables(facts({ services: { w: { command } } }), hash)[0]?.hash;
    expect(words("a", "b c")).not.toBe(words("a b", "c"));
  });
});

describe("the difference that is shown", () => {
  it("is empty for the same and names what changed otherwise", () => {
    expect(lineDiff("a\n", "a\n")).toBe("");
    expect(lineDiff("a\nb\nc\n", "a\nB\nc\n")).toBe("@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n");
    expect(lineDiff("", "a\n")).toBe("@@ -0,0 +1 @@\n+a\n");
    expect(lineDiff("a", "a\n")).toBe("@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n");
  });

  it("shows characters that a terminal would interpret, reorder or hide", () => {
    const diff = lineDiff("", "\u001b[2Jrm\r\u202eexe\u200b\u2028\tend\n");
    expect(diff).toBe("@@ -0,0 +1 @@\n+\\u{1b}[2Jrm\\u{d}\\u{202e}exe\\u{200b}\\u{2028}\tend\n");
  });

  it("turns one text into the other when applied by patch", () => {
    const directory = fs.mkdtempSync(join(os.tmpdir(), "iki-"));
    try {
      const lines = fc.array(fc.constantFrom("a", "b", "c", "", "d e"), { maxLength: 30 });
      const text = fc
        .tuple(lines, fc.boolean())
        .map(([l, end]) => l.join("\n") + (end && l.length > 0 ? "\n" : ""));
      fc.assert(
        fc.property(text, text, (before, after) => {
          fs.writeFileSync(join(directory, "f"), before);
          const diff = lineDiff(before, after);
          if (diff !== "") {
            const whole = `--- a/f\n+++ b/f\n${diff}`;
            const git = ["apply", "--unsafe-paths", "--whitespace=nowarn", "-"];
            execFileSync("git", git, { cwd: directory, input: whole, stdio: "pipe" });
          }
          expect(fs.readFileSync(join(directory, "f"), "utf8")).toBe(after);
        }),
        { numRuns: 60 },
      );
    } finally {
      fs.rmSync(directory, { recursive: true });
    }
  });

  it("is fast on long texts", () => {
    const long = Array.from({ length: 5_000 }, (_, i) => `${i}\n`).join("");
    expect(lineDiff(long, long.replace("2500\n", "changed\n"))).toContain("-2500\n+changed\n");
    expect(lineDiff(long, long.replaceAll("1", "x")).length).toBeGreaterThan(long.length);
  });
});
