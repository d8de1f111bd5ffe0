import { once } from "node:events";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { waitFor } from "../support/wait.ts";
import { type Controls, makeControls } from "./support.ts";

async function occupy(port: number): Promise<Server> {
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  return server;
}

const servers = [
  { name: "nginx", control: "nginx", key: "http.port", portOf: (c: Controls) => c.httpPort },
  {
    name: "postgres",
    control: "pg_ctl",
    key: "postgres.port",
    portOf: (c: Controls) => c.postgresPort,
  },
] as const;

describe.each(servers)(
  "$name on a port that another process holds",
  ({ name, control, key, portOf }) => {
    test("is not started, and names the process and what to do", async () => {
      await using controls = await makeControls();
      const port = portOf(controls);
      const server = await occupy(port);
      for (const supervised of [false, true]) {
        if (supervised) await controls.run("runsvdir", ["start"]);
        const outcome = await controls.run(control, ["start"]);
        expect(outcome.exitCode).toBe(1);
        expect(outcome.stderr).toContain(`${name}: port ${port} is held by`);
        expect(outcome.stderr).toContain(`(pid ${process.pid})`);
        expect(outcome.stderr).toContain(`next: end that process, or set ${key} to a free port`);
      }
      server.close();
      expect(await controls.run(control, ["start"])).toMatchObject({ exitCode: 0 });
    });

    test("under runsvdir writes the reason to its log and comes when the port is free", async () => {
      await using controls = await makeControls();
      const server = await occupy(portOf(controls));
      rmSync(join(controls.layout.sv, name, "down"));
      await controls.run("runsvdir", ["start"]);
      const log = join(controls.layout.logs, `${name}.log`);
      await waitFor(() => readFileSync(log, "utf8").includes("is held by"));
      server.close();
      await waitFor(async () => (await controls.run(control, ["status"])).exitCode === 0);
    });
  },
);

test("workers of a killed nginx do not keep it from starting", async () => {
  await using controls = await makeControls();
  await controls.run("nginx", ["start"]);
  const [master] = (await controls.running()).nginx;
  process.kill(master ?? 0, "SIGKILL");
  const outcome = await controls.run("nginx", ["start"]);
  expect(outcome).toMatchObject({ exitCode: 0, stderr: "" });
  expect((await controls.running()).nginx).toHaveLength(1);
});

test("a pid that now belongs to another process is neither signalled nor trusted", async () => {
  await using controls = await makeControls();
  await controls.run("pg_ctl", ["start"]);
  await controls.run("pg_ctl", ["stop"]);
  writeFileSync(controls.layout.nginxPid, `${process.pid}\n`);
  const lock = [
    process.pid,
    controls.layout.db,
    0,
    controls.postgresPort,
    "",
    "127.0.0.1",
    "",
    "ready   ",
  ];
  writeFileSync(join(controls.layout.db, "postmaster.pid"), `${lock.join("\n")}\n`);
  for (const [control, name] of [
    ["nginx", "nginx"],
    ["pg_ctl", "postgres"],
  ] as const) {
    expect((await controls.run(control, ["stop"])).stdout).toBe(`${name}: not running`);
    expect(await controls.run(control, ["start"])).toMatchObject({ exitCode: 0 });
  }
  const { nginx, postgres } = await controls.running();
  expect([nginx.length, postgres.length]).toEqual([1, 1]);
});

test("a log beyond 10 MB is rotated at the next start", async () => {
  await using controls = await makeControls();
  const log = join(controls.layout.logs, "nginx.log");
  writeFileSync(log, "old\n".padEnd(10_485_761, "x"));
  await controls.run("nginx", ["restart"]);
  expect(readFileSync(log).length).toBeLessThan(100_000);
  expect(readFileSync(`${log}.1`, "utf8").slice(0, 4)).toBe("old\n");
});
