import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { layoutOf } from "../../src/model/layout.ts";
import { environment } from "../../src/resources/environment.ts";
import type { StepContext } from "../../src/resources/step-context.ts";

test("nothing is written into a worktree, or git's directory for it, once its .git is gone", async () => {
  const root = fs.mkdtempSync(join(tmpdir(), "iki-"));
  try {
    const layout = layoutOf(root);
    const [top, gitDir] = [join(root, "rel-05"), join(root, ".git/worktrees/rel-05")];
    for (const directory of [top, gitDir, layout.run]) fs.mkdirSync(directory, { recursive: true });
    const want = {
      top: Buffer.from(top),
      gitDir: Buffer.from(gitDir),
      defaultTop: undefined,
      shell: "export A=1\n",
      passwords: "",
      head: "refs/heads/rel-05",
      outside: true,
    };
    const step = { kind: "environment", key: "rel-05", action: "update", why: "" } as const;
    await environment.apply({ layout } as unknown as StepContext, step, want, undefined);
    expect([...fs.readdirSync(top), ...fs.readdirSync(gitDir)]).toEqual([]);
  } finally {
    fs.rmSync(root, { recursive: true });
  }
});
