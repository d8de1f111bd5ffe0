import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  DEFAULT_CONFIGURATION,
  serviceConfiguration,
} from "../../src/model/configuration/configuration.ts";
import { mergeConfiguration, NOTHING_GIVEN } from "../../src/model/configuration/merge.ts";
import { checkConfiguration, formatKey } from "../../src/model/configuration/problems.ts";
import { unknownServices } from "../../src/model/configuration/unknown-services.ts";

/** Formats every problem as `key message`. */
function problems(raw: unknown): string[] {
  const result = checkConfiguration(raw, ".ikigairc");
  return result.ok ? [] : result.problems.map(({ key, message }) => `${key} ${message}`);
}

function accepted(raw: unknown) {
  const result = checkConfiguration(raw, ".ikigairc");
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result;
}

describe("a configuration", () => {
  it("needs nothing and has a default for everything", () => {
    expect(accepted({}).configuration).toEqual(DEFAULT_CONFIGURATION);
    expect(DEFAULT_CONFIGURATION).toMatchObject({
      http: { port: 8888 },
      postgres: { port: 15432, ownerOverTcp: false },
      worktrees: { retention: { age: 14 * 86_400_000, count: 50 } },
      database: { branch: "data", maxSize: 1024 ** 3, lockTimeout: 5_000 },
    });
    expect(serviceConfiguration(DEFAULT_CONFIGURATION, "constructor")).toMatchObject({
      start: "on-demand",
      idle: 900_000,
      patience: 30_000,
      enabled: true,
    });
  });

  it("reports unknown keys, wrong types and contradictions together", () => {
    const found = problems({
      htpp: { port: 1 },
      port: 3000,
      http: { port: "x", hosts: "a" },
      postgres: { port: 8888.5 },
      database: { maxSize: "12 XB", migrate: "npm run migrate", branch: "copy", lockTimeout: true },
      services: {
        web: { comand: ["x"], after: ["worker"], start: "soon", permissions: ["rm -rf"] },
        worker: { after: ["web"], command: [], env: { PGHOST: "x", UID: "0", "A B": "y", N: 1 } },
        api: {},
      },
    });
    expect(found.sort()).toEqual(
      [
        "htpp is not a setting; did you mean http?",
        "port is not a setting; did you mean http.port or postgres.port?",
        "http.port must be a port number",
        "http.hosts must be an array",
        "postgres.port must be a port number",
        'database.maxSize must be a size such as "512MB" or a number of bytes',
        'database.migrate must be a list of arguments such as ["npm", "run", "migrate"]',
        "database.branch must be one of data, structure, empty",
        'database.lockTimeout must be a duration such as "15m", "14d" or a number of seconds',
        "services.web.comand is not a setting; did you mean command?",
        "services.web.start must be one of on-demand, always, manual",
        "services.web.permissions[0] must be a Deno flag such as --allow-net=example.com",
        "services.worker.command must name a program",
        "services.worker.env.PGHOST is set by ikigai itself for each worktree",
        "services.worker.env.UID is reserved by shells",
        'services.worker.env["A B"] is not a valid variable name',
        "services.worker.env.N must be a string",
        "services.api is not a valid service name: use a directory name other than frontend, api, node_modules or a hidden one",
        'services.web.after is circular: "web" → "worker" → "web"',
      ].sort(),
    );
  });

  it.each([
    [
      { http: { port: 5000 }, postgres: { port: 5000 } },
      "http.port is the same as postgres.port (5000); each needs its own",
    ],
    [
      { http: { port: 15432 } },
      "http.port is the same as postgres.port (15432); each needs its own",
    ],
    [
      { postgres: { port: 8888 } },
      "postgres.port is the same as http.port (8888); each needs its own",
    ],
    [{ http: { port: 0 } }, "http.port must be 1 to 65535"],
    [{ http: { port: 65_536 } }, "http.port must be 1 to 65535"],
    [{ services: { web: { after: ["web"] } } }, 'services.web.after is circular: "web" → "web"'],
    [
      { services: { queue: { http: false, listen: "tcp" } } },
      "services.queue.listen requires HTTP, but http is false",
    ],
    [
      { services: { web: { command: ["npm", "run", "dev", "--", "--port", "$PORT", "it's"] } } },
      `services.web.command[5] is passed literally, because commands are not run by a shell; write ["sh","-c","exec npm run dev -- --port \\"$PORT\\" 'it'\\\\''s'"]`,
    ],
    [
      { database: { migrate: ["migrate", "--to=$PGUSER"] } },
      `database.migrate[1] is passed literally, because commands are not run by a shell; write ["sh","-c","exec migrate \\"--to=$PGUSER\\""]`,
    ],
    [
      { services: { "a/b": {} } },
      `services["a/b"] is not a valid service name: use a directory name other than frontend, api, node_modules or a hidden one`,
    ],
    [
      { services: { "a\n": {} } },
      `services["a\\n"] is not a valid service name: use a directory name other than frontend, api, node_modules or a hidden one`,
    ],
    [{ programs: { nginx: "bin/nginx" } }, "programs.nginx must be an absolute path"],
    [
      { $import: "/etc/passwd" },
      `$import is not a setting; known here: http, postgres, programs, worktrees, limits, deno, database, services`,
    ],
    [[], " must be an object of settings"],
    [null, " must be an object of settings"],
    ["x", " must be an object of settings"],
  ])("refuses %j", (raw, problem) => {
    expect(problems(raw)).toEqual([problem]);
  });

  it.each(["*.x", "Dev.X", "x:80", "-x", "a..b", "x.", "", "$host", "a b", "x".repeat(201)])(
    "refuses %j for a host, and takes no other than nginx.conf does",
    (host) => {
      expect(problems({ http: { hosts: ["dev.example.test", host] } })).toEqual([
        "http.hosts[1] must be a host name in lower case, without a port or a wildcard",
      ]);
    },
  );

  it.each([
    '{"__proto__": {"http": {"port": 1}}}',
    '{"services": {"__proto__": {"command": ["evil"]}}}',
    '{"services": {"web": {"env": {"constructor": "x"}}}}',
  ])("refuses names that reach into JavaScript's objects: %s", (json) => {
    expect(problems(JSON.parse(json))).toEqual([
      expect.stringContaining("is not allowed as a name"),
    ]);
    expect(Object.hasOwn(Object.prototype, "command")).toBe(false);
  });

  it("rejects a billion values, and circles, before it walks through them", () => {
    let bomb: unknown = "lol";
    for (let i = 0; i < 15; i += 1) bomb = Array(10).fill(bomb);
    expect(problems({ services: bomb })).toEqual([" contains more than 10000 values"]);
    const circle: Record<string, unknown> = {};
    circle.services = circle;
    expect(problems(circle)).toEqual([" is nested too deeply"]);
  });

  it("never throws, whatever it is given", () => {
    fc.assert(
      fc.property(fc.anything({ maxDepth: 4, withNullPrototype: true }), (raw) => {
        checkConfiguration({ services: raw, http: raw }, "x");
        checkConfiguration(raw, "x");
      }),
    );
  });

  it("prints keys so that they cannot be anything but names", () => {
    expect(formatKey(["services", "\u001b[31m", "after", 0])).toBe(
      'services["\\u001b[31m"].after[0]',
    );
  });
});

describe("services that a worktree lacks", () => {
  it("are reported with their key", () => {
    const { configuration } = accepted({
      services: { web: { after: ["gone"] }, old: {}, bakend: {} },
    });
    const told = unknownServices(configuration, ["backend", "web"], "f").map(
      (p) => `${p.key} ${p.message}`,
    );
    expect(told).toEqual([
      'services.web.after[0] "gone" is not a service here; there is backend, web',
      "services.old has no directory here: there is neither old/backend nor old/frontend; there is backend, web",
      "services.bakend has no directory here: there is neither bakend/backend nor bakend/frontend; did you mean backend?",
    ]);
  });
});

describe("merging", () => {
  const project = accepted({
    http: { port: 9000 },
    services: { web: { start: "always" } },
    database: { branch: "empty" },
  });
  const worktree = accepted({ http: { port: 7000 }, services: {} });

  it("takes ports from the project and services from the worktree", () => {
    const merged = mergeConfiguration(project, worktree);
    expect(merged.http.port).toBe(9000);
    expect(merged.services).toEqual({});
    expect(merged.database.branch).toBe("data");
  });

  it("applies a file beside the worktrees to those without settings of their own", () => {
    const merged = mergeConfiguration({ ...project, shared: true }, worktree);
    expect(merged.services).toEqual({});
    expect(merged.database.branch).toBe("empty");
    expect(
      mergeConfiguration({ ...project, shared: true }, NOTHING_GIVEN).services.web?.start,
    ).toBe("always");
  });
});
