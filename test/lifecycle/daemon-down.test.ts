import { writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { makeProject } from "../support/project.ts";

test("`ikigai start` starts a daemon that was stopped permanently", async () => {
  await using project = await makeProject();
  expect(await project.ikigai("start")).toMatchObject({ exitCode: 0 });
  const sv = `${project.root}/.ikigai/bin/sv`;
  expect(await project.run(sv, ["stop", "daemon"])).toMatchObject({ exitCode: 0 });
  writeFileSync(`${project.root}/.ikigai/sv/daemon/down`, "");
  expect(await project.ikigai("start")).toMatchObject({ exitCode: 0 });
  expect((await project.http("/main/api/x", { timeout: 20_000 })).status).toBe(200);
});
