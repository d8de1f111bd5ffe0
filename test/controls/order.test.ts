import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { accounts } from "../support/as-user.ts";
import { waitFor } from "../support/wait.ts";
import { type Controls, makeControls, unwanted } from "./support.ts";

const hostile = `it's a "$HOME" \`x\` \\ é;&`;

type Server = "nginx" | "postgres";
type Command = readonly ["nginx" | "pg_ctl" | "runsvdir", "start" | "stop"];

const commands: Command[] = (["nginx", "pg_ctl", "runsvdir"] as const).flatMap((control) => [
  [control, "start"],
  [control, "stop"],
]);

/** Checks what must hold after any sequence of commands. */
class Oracle {
  supervisor = false;
  readonly servers: Record<Server, "stopped" | "by hand" | "supervised"> = {
    nginx: "stopped",
    postgres: "stopped",
  };
  readonly wanted: Record<Server, boolean> = { nginx: false, postgres: false };

  apply([control, action]: Command): void {
    if (control === "runsvdir") this.#supervise(action === "start");
    else if (action === "start") this.#start(control === "nginx" ? "nginx" : "postgres");
    else this.#stop(control === "nginx" ? "nginx" : "postgres");
  }

  #start(server: Server): void {
    if (this.supervisor) {
      this.wanted[server] = true;
      this.servers[server] = "supervised";
    } else if (this.servers[server] === "stopped") this.servers[server] = "by hand";
  }

  #stop(server: Server): void {
    this.wanted[server] = false;
    this.servers[server] = "stopped";
  }

  #supervise(on: boolean): void {
    this.supervisor = on;
    for (const server of ["nginx", "postgres"] as const) {
      if (on && this.wanted[server]) this.servers[server] = "supervised";
      if (!on && this.servers[server] === "supervised") this.servers[server] = "stopped";
    }
  }
}

async function followsOracle(controls: Controls, sequence: readonly Command[]): Promise<void> {
  const oracle = new Oracle();
  for (const command of sequence) {
    const outcome = await controls.run(command[0], [command[1]]);
    expect({ command, ...outcome }).toMatchObject({ exitCode: 0 });
    expect(outcome.stdout).toMatch(
      /^(nginx|postgres|runsvdir): (already running|not running|started|stopped)/,
    );
    oracle.apply(command);
    await agrees(controls, oracle);
  }
}

async function agrees(controls: Controls, oracle: Oracle): Promise<void> {
  const count = (pids: number[]) => pids.length;
  const expected = {
    nginx: oracle.servers.nginx === "stopped" ? 0 : 1,
    postgres: oracle.servers.postgres === "stopped" ? 0 : 1,
    runsvdir: oracle.supervisor ? 1 : 0,
  };
  await waitFor(
    async () => {
      const { nginx, postgres, runsvdir } = await controls.running();
      const seen = { nginx: count(nginx), postgres: count(postgres), runsvdir: count(runsvdir) };
      // More than one is wrong at any time.
      for (const [name, number] of Object.entries(seen)) {
        if (number > 1) expect.fail(`${number} ${name}`);
      }
      expect(seen).toEqual(expected);
      return true;
    },
    { what: JSON.stringify({ expected, oracle }) },
  );
  for (const server of ["nginx", "postgres"] as const) {
    expect(unwanted(controls.layout, server)).toBe(!oracle.wanted[server]);
  }
}

const quickStart =
  "nginx start, pg_ctl start, runsvdir start, runsvdir stop, nginx stop, pg_ctl stop";
const table = [
  quickStart,
  "runsvdir start, nginx start, pg_ctl start, pg_ctl stop, nginx stop, runsvdir stop",
  "nginx start, nginx start, nginx stop, nginx stop",
  "pg_ctl start, pg_ctl start, pg_ctl stop, pg_ctl stop",
  "runsvdir start, runsvdir start, runsvdir stop, runsvdir stop",
  // Wanted under runsvdir, then started by hand, then adopted.
  "runsvdir start, nginx start, pg_ctl start, runsvdir stop, pg_ctl start, nginx start, runsvdir start, runsvdir stop",
  "nginx start, pg_ctl start, runsvdir start, nginx start, pg_ctl start, runsvdir stop, runsvdir start, nginx stop, pg_ctl stop",
];

describe.each(accounts())("typed by $name", (account) => {
  let controls: Controls;
  beforeAll(async () => {
    controls = await makeControls({ account, name: hostile });
  });
  afterAll(() => controls.dispose());

  test.each(table)("%s", async (line) => {
    await followsOracle(
      controls,
      line.split(", ").map((words) => words.split(" ") as unknown as Command),
    );
    await stopAll(controls);
  });

  test("any order, any repetition: never two servers, never an error", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...commands), { maxLength: 8 }),
        async (sequence) => {
          await stopAll(controls);
          await followsOracle(controls, sequence);
        },
      ),
      { numRuns: 8, endOnFailure: true },
    );
    await stopAll(controls);
  }, 180_000);

  test("all starts at once, three times each", async () => {
    const starts = commands.filter(([, action]) => action === "start");
    const outcomes = await Promise.all(
      [...starts, ...starts, ...starts].map(([control, action]) => controls.run(control, [action])),
    );
    expect(outcomes.filter(({ exitCode }) => exitCode !== 0)).toEqual([]);
    // Exactly one of the three started it.
    for (const name of ["nginx", "postgres", "runsvdir"]) {
      const said = outcomes.filter(({ stdout }) => stdout.startsWith(`${name}: started`));
      expect([name, said.length]).toEqual([name, 1]);
    }
    const { nginx, postgres, runsvdir } = await controls.running();
    expect([nginx, postgres, runsvdir].map((pids) => pids.length)).toEqual([1, 1, 1]);
    await stopAll(controls);
    expect(await controls.everything()).toEqual([]);
  });
});

async function stopAll(controls: Controls): Promise<void> {
  for (const control of ["runsvdir", "nginx", "pg_ctl"]) {
    expect(await controls.run(control, ["stop"])).toMatchObject({ exitCode: 0, stderr: "" });
  }
}
