import { spawn } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startTime } from "../../src/host/process/processes.ts";
import { Definitions } from "../../src/host/runit/definitions.ts";
import { layoutOf } from "../../src/model/layout.ts";
import { waitFor } from "../support/wait.ts";

const scripts = fileURLToPath(new URL("../../controls/scripts", import.meta.url));
/** A project's `.ikigai`. */
let base: string;
let place: string;
let definition: string;

beforeEach(async () => {
  base = join(await realpath(await mkdtemp(join(tmpdir(), "iki-scripts-"))), ".ikigai");
  [place, definition] = [join(base, "sv/a.b"), join(base, "run/services/a.b")];
  cpSync(scripts, join(base, "scripts"), { recursive: true });
  cpSync(join(scripts, "service"), place, { recursive: true });
  for (const directory of [join(place, "supervise"), definition]) {
    mkdirSync(directory, { recursive: true });
  }
  for (const file of ["settings", "lock"]) writeFileSync(join(base, "scripts", file), "");
});
afterEach(() => rm(dirname(base), { recursive: true, force: true }));

/**
 * Returns the signals that a service's script would send. It runs with a `kill` that only records:
 * a wrong one would end everything that this account runs.
 */
async function signalsOf(script: string): Promise<string[]> {
  const list = join(base, "signals");
  writeFileSync(list, "");
  const program = `kill() {
  case "$*" in "-s 0 -- -"*) return 0 ;; "-s 0 "*) return 1 ;; esac
  printf '%s\\n' "$*" >>'${list}'
}
sleep() { :; }
cd '${place}' || exit 1
set -- 3 0
. './${script}'`;
  await execa("sh", ["-c", program], {
    reject: false,
    env: { IKIGAI_CHPST: "false" },
  });
  return readFileSync(list, "utf8").split("\n").filter(Boolean);
}

const noPids = [
  "1",
  "0",
  "01",
  "00",
  "-1",
  "",
  "x",
  "1x",
  " ",
  "4294967297",
  "18446744073709551615",
];

describe.each(noPids)("%j in place of a pid", (text) => {
  test.each(["finish", "run"])("has %s signal nobody", async (script) => {
    writeFileSync(join(definition, "pid"), `${text} mark\n1\n`);
    expect(await signalsOf(script)).toEqual([]);
    writeFileSync(join(definition, "pid"), text);
    expect(await signalsOf(script)).toEqual([]);
  });

  test.each(["control/t", "control/d"])("has %s signal nobody", async (script) => {
    writeFileSync(join(place, "supervise/pid"), `${text}\n`);
    expect(await signalsOf(script)).toEqual([]);
  });
});

test("a pid of its own is signalled on request", async () => {
  writeFileSync(join(place, "supervise/pid"), "4194300\n");
  expect(await signalsOf("control/t")).toEqual(["-s TERM -- -4194300"]);
});

test.each(["x", "08", "-1", "1e9", "99999999999999999999", "3x 1 0"])(
  "%j as the number of failures counts as none",
  async (text) => {
    writeFileSync(join(definition, "pid"), "4194300 mark\n1\n");
    writeFileSync(join(definition, "crashes"), `${text}\n`);
    await signalsOf("finish");
    expect(readFileSync(join(definition, "crashes"), "utf8")).toMatch(/^1 3 0 \d+\n$/);
    writeFileSync(join(definition, "crashes"), `${text}\n`);
    expect(new Definitions(layoutOf(dirname(base))).crashes("a.b")).toBeUndefined();
  },
);

/** A process group whose leader has ended: its id, its start time and the remaining processes. */
async function makeLeaderless() {
  const leader = spawn("sh", ["-c", "sleep 600 & echo $!; read -r _"], {
    stdio: ["pipe", "pipe", "ignore"],
    detached: true,
  });
  const group = leader.pid ?? 0;
  const member = Number(
    String(await new Promise((resolve) => leader.stdout.once("data", resolve))),
  );
  const since = Number(startTime(group));
  const over = new Promise((resolve) => leader.once("exit", resolve));
  leader.stdin.end();
  await over;
  return { group, since, member };
}

function lives(pid: number): boolean {
  return !/^\d+ \(.*\) [ZX]|^$/.test(statOf(pid));
}

function statOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return "";
  }
}

describe.runIf(process.platform === "linux")("what a leader left in its group", () => {
  const finish = () => execa(join(place, "finish"), ["0", "0"], { cwd: place, reject: false });
  let left: Awaited<ReturnType<typeof makeLeaderless>>;
  beforeEach(async () => {
    left = await makeLeaderless();
    // Nothing is retried afterwards.
    writeFileSync(join(place, "down"), "");
  });
  afterEach(() => {
    if (lives(left.member)) process.kill(left.member);
  });

  test("ends with it", async () => {
    writeFileSync(join(definition, "pid"), `${left.group} mark\n${left.since}\n`);
    await finish();
    await waitFor(() => !lives(left.member));
  });

  test.each(["later", "never"])("is a stranger's where the record began %s", async (when) => {
    const since = when === "later" ? left.since + 1_000_000 : "";
    writeFileSync(join(definition, "pid"), `${left.group} mark\n${since}\n`);
    await finish();
    expect(lives(left.member)).toBe(true);
  });
});
