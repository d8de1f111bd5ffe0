import { readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { accounts, identityOf } from "../support/as-user.ts";
import { waitFor } from "../support/wait.ts";
import { type Controls, makeControls } from "./support.ts";

/** Starts a control in a new session, as a terminal does. */
function foreground(controls: Controls, program: string) {
  return execa(join(controls.layout.ikigai, program), [], {
    ...identityOf(controls.account),
    cwd: controls.layout.root,
    env: controls.env,
    extendEnv: false,
    reject: false,
    all: true,
    stdin: "ignore",
    detached: true,
  });
}

/** Sends Ctrl-C: the terminal signals the whole foreground group. */
function interrupt({ pid }: { readonly pid?: number | undefined }): void {
  if (pid === undefined) throw new Error("it was not started");
  process.kill(-pid, "SIGINT");
}

const forms = [
  { program: "bin/nginx", name: "nginx", control: "nginx" },
  { program: "scripts/postgres", name: "postgres", control: "pg_ctl" },
  { program: "bin/runsvdir", name: "runsvdir", control: "runsvdir" },
] as const;

describe.each(accounts())("as $name", (account) => {
  test.each(forms)(
    "$program runs until Ctrl-C and leaves nothing",
    async ({ program, name, control }) => {
      await using controls = await makeControls({ account });
      const process = foreground(controls, program);
      await waitFor(async () => (await controls.run(control, ["status"])).exitCode === 0);
      const [pid] = (await controls.running())[name];

      const second = await foreground(controls, program);
      expect(second.exitCode).toBe(1);
      expect(second.all).toMatch(
        new RegExp(`${name}: already running \\(pid ${pid}\\).*\\n  next: ${control} stop`),
      );

      interrupt(process);
      await process;
      expect(await controls.everything()).toEqual([]);
    },
  );
});

test("the output of Postgres in the foreground is in its log too", async () => {
  await using controls = await makeControls();
  const process = foreground(controls, "scripts/postgres");
  const log = join(controls.layout.logs, "postgres.log");
  await waitFor(() => readFileSync(log, "utf8").includes("ready to accept connections"));
  interrupt(process);
  expect((await process).all).toContain("ready to accept connections");
});

test("runsvdir in the foreground ends when it is stopped from elsewhere", async () => {
  await using controls = await makeControls();
  const process = foreground(controls, "bin/runsvdir");
  await waitFor(async () => (await controls.running()).runsvdir[0]);
  expect(await controls.run("runsvdir", ["stop"])).toMatchObject({ exitCode: 0 });
  expect((await process).exitCode).toBe(0);
});
