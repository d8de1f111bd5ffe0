import { cp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { makeProject } from "../support/project.ts";
import { waitFor } from "../support/wait.ts";

const own = (name: string) =>
  readFile(fileURLToPath(new URL(`../../controls/${name}`, import.meta.url)), "utf8");

test("ikigai's own programs are restored from the package, wherever they are changed", async () => {
  await using project = await makeProject();
  expect((await project.ikigai("start")).exitCode).toBe(0);
  const place = (name: string) => join(project.root, ".ikigai", name);
  const isBack = (name: string) =>
    waitFor(
      async () => (await readFile(place(name), "utf8").catch(() => "")) === (await own(name)),
      { what: name },
    );
  const change = async (name: string) => {
    await writeFile(place(name), "#!/bin/sh\n");
    await isBack(name);
  };
  for (const name of ["bin/sv", "sv/daemon/check", "scripts/service/control/t"]) await change(name);
  await rm(place("bin/nginx"));
  await isBack("bin/nginx");
  // A new directory at the old path is watched too.
  for (const [directory, file] of [
    ["scripts/lib", "scripts/lib/port.sh"],
    ["bin", "bin/sv"],
  ] as const) {
    await cp(place(directory), place("new"), { recursive: true });
    await rename(place(directory), place("old"));
    await rename(place("new"), place(directory));
    await rm(place("old"), { recursive: true });
    // By the event of the replacement, by the next poll, and by the watch that this renewed.
    for (let i = 0; i < 3; i++) await change(file);
  }
});
