import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { makeProject } from "../support/project.ts";
import { waitFor } from "../support/wait.ts";

/** Entries of `sv` that a branch may contain, and what of them would run. */
const STRANGE = {
  plain: ["run"],
  "like-a.place": ["run", "finish", "log/run"],
  "with-a.log": ["log/run"],
  "with-a.finish": ["finish"],
  "with-a.control": ["control/d"],
  "spare-00": ["check"],
};

test("a service that is not ikigai's is not started, also before the daemon sees it", async () => {
  await using project = await makeProject({ layout: "clone" });
  expect((await project.ikigai("start")).exitCode).toBe(0);
  const sv = join(project.root, ".ikigai/sv");
  const canary = join(project.root, "../canary");
  const script = `#!/bin/sh\necho "$PWD $0" >>'${canary}'\n`;
  const daemon = Number(readFileSync(join(sv, "daemon/supervise/pid"), "utf8"));
  process.kill(daemon, "SIGSTOP");
  try {
    for (const [name, parts] of Object.entries(STRANGE)) {
      const building = join(sv, `.${name}`);
      for (const part of parts) {
        mkdirSync(dirname(join(building, part)), { recursive: true });
        await writeFile(join(building, part), script, { mode: 0o755 });
      }
      if (!parts.includes("run")) {
        symlinkSync("../../scripts/service/run", join(building, "run"));
      }
      await rename(building, join(sv, name));
    }
    symlinkSync("../../../elsewhere", join(sv, "nowhere"));
    const log = () => readFileSync(join(project.root, ".ikigai/logs/runsvdir.log"), "utf8");
    for (const name of Object.keys(STRANGE)) {
      await waitFor(() => log().includes(`ikigai: sv/${name} is not started`), { what: name });
    }
    expect(existsSync(canary)).toBe(false);
  } finally {
    process.kill(daemon, "SIGCONT");
  }
  await waitFor(() => !readdirSync(sv).some((name) => name in STRANGE || name === "nowhere"));
  expect(existsSync(canary)).toBe(false);
});
