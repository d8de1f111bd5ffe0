import { lstatSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makePatient, type Patient } from "./support/patient.ts";
import { tell } from "./support/table.ts";

let patient: Patient;

beforeAll(async () => {
  patient = await makePatient();
});
afterAll(() => patient?.[Symbol.asyncDispose]());

/** Non-empty regular files of `.ikigai`; data and logs are not state. */
function stateFiles(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (/\/(?:db|logs|deno|nginx|supervise|traffic|strangers)$/.test(path) && entry.isDirectory()) {
      return path.endsWith("sv/nginx") ? stateFiles(path) : [];
    }
    if (entry.isDirectory()) return stateFiles(path);
    return lstatSync(path).isFile() && !/\.lock$|\/lock$/.test(path) ? [path] : [];
  });
}

const damages: readonly (readonly [string, (file: string) => void])[] = [
  ["empty", (file) => truncateSync(file, 0)],
  ["half", (file) => truncateSync(file, Math.floor(readFileSync(file).length / 2))],
  [
    "garbage",
    (file) => writeFileSync(file, Buffer.from("\u0000\u00ff{{\n'\"$(false)\n", "latin1")),
  ],
];

test.each(damages)(
  "every state file, made %s, is recreated by stop and start",
  async (name, damage) => {
    const files = stateFiles(join(patient.project.root, ".ikigai"));
    expect(files.length).toBeGreaterThan(40);
    for (const file of files) damage(file);
    const begin = performance.now();
    const stopped = await patient.project.ikigai("stop");
    expect(stopped.exitCode, stopped.stderr).toBe(0);
    const started = await patient.project.ikigai("start");
    expect(started.exitCode, started.stderr).toBe(0);
    await patient.recovers();
    tell({ fault: `${files.length} files of state ${name}`, recovery: performance.now() - begin });
  },
);

test.each(damages)(
  "state files made %s are recreated while everything runs",
  async (name, damage) => {
    const { root } = patient.project;
    const chosen = stateFiles(join(root, ".ikigai")).filter((file) =>
      /\/(?:run\/(?!.*\.pid$|secret$|place$)|httpd\/nginx.conf|scripts\/lib\/base|scripts\/settings|scripts\/service\/run|bin\/nginx)/.test(
        file,
      ),
    );
    for (const file of chosen) {
      damage(file);
    }
    const begin = performance.now();
    // What no event reports is found by the full reconcile, twice a minute.
    await patient.recovers(120_000);
    tell({
      fault: `${chosen.length} files ${name} while all runs`,
      recovery: performance.now() - begin,
    });
  },
);
