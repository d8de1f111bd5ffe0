import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeProject } from "../support/project.ts";
import { must } from "../support/running.ts";
import { waitFor } from "../support/wait.ts";

test("our lines in info/exclude are restored while ikigai runs, without a start", async () => {
  await using project = await makeProject({ layout: "clone" });
  await must(project, "start");
  const exclude = join(project.root, ".git/info/exclude");
  const whole = readFileSync(exclude, "utf8");
  for (const damaged of ["", whole.slice(0, -25)]) {
    await writeFile(exclude, damaged);
    const isBack = () => /^\/\.envrc\n\/\.ikigai\n# <<< /m.test(readFileSync(exclude, "utf8"));
    await waitFor(isBack, { deadline: 60_000, what: "our lines to come back" });
    expect(await project.git(".", "status", "--porcelain")).toBe("");
  }
});
