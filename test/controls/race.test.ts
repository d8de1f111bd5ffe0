import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { waitFor } from "../support/wait.ts";
import { type Controls, makeControls } from "./support.ts";

/**
 * A directory for PATH in which NAME is the real program, except that before its first call with
 * TEXT in its arguments runsvdir starts the service; the call continues when run/go-on
 * exists. In this order of events `ikigai start` once mistook its own server for another's.
 */
function comesUpDuring(controls: Controls, service: string, name: string, text: string): string {
  const { ikigai, bin, sv, root } = controls.layout;
  const real = execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim();
  const directory = join(root, "path");
  mkdirSync(directory);
  writeFileSync(
    join(directory, name),
    `#!/bin/sh
case " $* " in
  *'${text}'*)
    if mkdir '${ikigai}/run/came-up' 2>/dev/null; then
      rm -f '${sv}/${service}/down'
      env -u IKIGAI_ALONE PATH='${process.env.PATH}' '${bin}/sv' -w 15 start '${sv}/${service}' >/dev/null
      : >'${ikigai}/run/is-up'
      until [ -e '${ikigai}/run/go-on' ]; do sleep 0.02; done
    fi
    ;;
esac
exec '${real}' "$@"
`,
  );
  chmodSync(join(directory, name), 0o755);
  return `${directory}:${process.env.PATH}`;
}

/** How the controls search for the process that holds a port. */
const [lister, listed] =
  process.platform === "linux" ? ["cat", " /proc/net/tcp "] : ["lsof", " -sTCP:LISTEN "];

test.each([
  { service: "nginx", control: "nginx" },
  { service: "postgres", control: "pg_ctl" },
] as const)(
  "$service that runsvdir starts meanwhile is not mistaken for another project's",
  async ({ service, control }) => {
    await using controls = await makeControls();
    await controls.run(control, ["start"]);
    await controls.run(control, ["stop"]);
    await controls.run("runsvdir", ["start"]);
    const path = comesUpDuring(controls, service, lister, listed);
    writeFileSync(join(controls.layout.run, "go-on"), "");
    const outcome = await controls.run(control, ["start"], { env: { PATH: path } });
    expect(existsSync(join(controls.layout.run, "is-up"))).toBe(true);
    expect(outcome).toMatchObject({ exitCode: 0, stderr: "" });
    expect((await controls.running())[service]).toHaveLength(1);
  },
);

test("an nginx that runsvdir starts meanwhile keeps its workers, and with them their connections", async () => {
  await using controls = await makeControls();
  await controls.run("runsvdir", ["start"]);
  // The search for workers left by a killed nginx.
  const path = comesUpDuring(controls, "nginx", "grep", "nginx:  ");
  const starting = controls.run("nginx", ["start"], { env: { PATH: path } });
  await waitFor(() => existsSync(join(controls.layout.run, "is-up")));
  const workers = await workersOf(controls);
  const claim = join(controls.layout.run, "slots/7");
  mkdirSync(claim);
  writeFileSync(join(controls.layout.run, "go-on"), "");
  expect(await starting).toMatchObject({ exitCode: 0, stderr: "" });
  expect(workers).toHaveLength(1);
  expect(await workersOf(controls)).toEqual(workers);
  expect(existsSync(claim)).toBe(true);
});

async function workersOf(controls: Controls): Promise<string[]> {
  return (await controls.everything(0)).filter((title) => title.includes("nginx: worker"));
}
