import { existsSync, readFileSync } from "node:fs";
import { appendFile, chmod, mkdir, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { effectiveHook } from "../../src/host/git/hook/installation.ts";
import { snapshot } from "./snapshot.ts";
import { listen, makeFileSandbox, type Sandbox, write } from "./support.ts";

/** Runs git with a file that the foreign hook writes to, and returns its content. */
async function written(box: Sandbox, ...args: string[]): Promise<string> {
  const out = join(box.base, "out");
  await rm(out, { force: true });
  await box.run("git", args, { cwd: box.main, env: { OUT: out } });
  return existsSync(out) ? readFileSync(out, "latin1") : "";
}

const state = (box: Sandbox) =>
  snapshot(
    join(box.commonDir, "hooks"),
    join(box.commonDir, "config"),
    join(box.commonDir, "info"),
  );

const record = `printf '%s|' "$(basename "$0")" "$@" >>"$OUT"`;

const hooks: Readonly<Record<string, string>> = {
  "a shell script": `#!/bin/sh\n${record}\nexit 0\necho never\n`,
  "a shell script that stops at errors": `#!/bin/sh -eu\n${record}\nexit 3\n`,
  "a bash script without a last line feed": `#!/usr/bin/env bash\n${record}`,
  "a script without an interpreter": `${record}\n`,
  "a script with bytes that are no text": `#!/bin/sh\n: '\xff\xfe\x81'\n${record}\n`,
  "a Node program": `#!/usr/bin/env node
const { appendFileSync } = require("node:fs");
const { basename } = require("node:path");
appendFileSync(process.env.OUT, [basename(process.argv[1]), ...process.argv.slice(2), ""].join("|"));
process.exit(3);
`,
  "a script in two languages": `#!/bin/sh
":" //; exec node "$0" "$@"
const { appendFileSync } = require("node:fs");
appendFileSync(process.env.OUT, ["post-checkout", ...process.argv.slice(2), ""].join("|"));
`,
};

test.each(Object.entries(hooks))(
  "%s and ours both run, and it is restored unchanged",
  async (_, text) => {
    await using box = await makeFileSandbox();
    await write(join(box.commonDir, "hooks/post-checkout"), text, 0o751);
    const before = state(box);
    const alone = await written(box, "switch", "--quiet", "--create", "one");
    const ends = (
      await box.run("git", ["checkout", "--quiet", "one"], { env: { OUT: "/dev/null" } })
    ).exitCode;
    expect(alone).toMatch(/^post-checkout\|[0-9a-f]{40}\|[0-9a-f]{40}\|1\|$/);

    await box.install();
    const installed = state(box);
    const report = await box.install();
    expect(state(box)).toEqual(installed);
    expect(report.worktrees[0]).toMatchObject({ runs: true, beside: "another hook" });
    await using heard = await listen(box.root);
    expect(await written(box, "switch", "--quiet", "--create", "two")).toBe(alone);
    expect(heard.told).toHaveLength(1);
    expect(
      (await box.run("git", ["checkout", "--quiet", "two"], { env: { OUT: "/dev/null" } }))
        .exitCode,
    ).toBe(ends);

    await box.remove();
    expect(state(box)).toEqual(before);
  },
);

test("a program keeps its standard input", async () => {
  await using box = await makeFileSandbox();
  const text = `#!/usr/bin/env node\nrequire("fs").appendFileSync(process.env.OUT, require("fs").readFileSync(0));\n`;
  await write(join(box.commonDir, "hooks/post-rewrite"), text, 0o755);
  await box.install();
  const lines = await written(box, "commit", "--quiet", "--amend", "--message=Other");
  expect(lines).toMatch(/^[0-9a-f]{40} [0-9a-f]{40}\n$/);
});

test("a shell script keeps its standard input", async () => {
  await using box = await makeFileSandbox();
  await write(join(box.commonDir, "hooks/post-rewrite"), `#!/bin/sh\ncat >>"$OUT"\n`, 0o755);
  await box.install();
  const lines = await written(box, "commit", "--quiet", "--amend", "--message=Other");
  expect(lines).toMatch(/^[0-9a-f]{40} [0-9a-f]{40}\n$/);
});

test("a link to a tracked script stays a link, and the script untouched", async () => {
  await using box = await makeFileSandbox();
  await write(join(box.main, "scripts/checkout.sh"), `#!/bin/sh\n${record}\n`, 0o755);
  await box.git(box.main, "add", ".");
  await box.git(box.main, "commit", "--quiet", "--message=Script");
  await symlink("../../scripts/checkout.sh", join(box.commonDir, "hooks/post-checkout"));
  const before = state(box);
  await box.install();
  await using heard = await listen(box.root);
  expect(await written(box, "switch", "--quiet", "--create", "one")).toMatch(/^post-checkout\|/);
  expect(heard.told).toHaveLength(1);
  expect(await box.git(box.main, "status", "--porcelain")).toBe("");
  await box.remove();
  expect(state(box)).toEqual(before);
});

test("a hook that is disabled by its mode stays disabled", async () => {
  await using box = await makeFileSandbox();
  await write(join(box.commonDir, "hooks/post-checkout"), `#!/bin/sh\n${record}\n`, 0o644);
  const before = state(box);
  await box.install();
  await using heard = await listen(box.root);
  expect(await written(box, "switch", "--quiet", "--create", "one")).toBe("");
  expect(heard.told).toHaveLength(1);
  await box.remove();
  expect(state(box)).toEqual(before);
});

test("text that is added to our file stays when we are uninstalled", async () => {
  await using box = await makeFileSandbox();
  await box.install();
  const hook = join(box.commonDir, "hooks/post-checkout");
  await appendFile(hook, `${record}\n`);
  await box.install();
  expect(await written(box, "switch", "--quiet", "--create", "one")).toMatch(/^post-checkout\|/);
  await box.remove();
  expect(readFileSync(hook, "utf8")).toBe(`#!/bin/sh\n${record}\n`);
  expect(await written(box, "switch", "--quiet", "--create", "two")).toMatch(/^post-checkout\|/);
});

test("a truncated file of ours, or a damaged script, is rewritten", async () => {
  await using box = await makeFileSandbox();
  const hook = join(box.commonDir, "hooks/post-checkout");
  const script = join(box.commonDir, "hooks/ikigai-hook");
  const effective = () => {
    const repository = box.repository();
    const [worktree] = repository.worktrees;
    if (!worktree) throw new RangeError("There is a worktree.");
    return effectiveHook(repository, worktree);
  };
  const before = state(box);
  await box.install();
  const installed = state(box);
  const [own, body] = [readFileSync(hook, "utf8"), readFileSync(script, "utf8")];
  for (let length = 3; length < own.length; length += 7) {
    // A shell script without content may be anyone's.
    if (own.slice(0, length).trim() === "#!/bin/sh") continue;
    await write(hook, own.slice(0, length), 0o755);
    await box.install();
    expect(state(box), `${length} bytes`).toEqual(installed);
  }
  for (const damaged of ["", body.slice(0, 200), "\0\0\0", "if (\n"]) {
    await write(script, damaged, 0o755);
    expect((await effective()).why).toMatch(/ikigai-hook in .* is damaged/);
    await box.install();
    expect(state(box)).toEqual(installed);
  }
  await write(hook, own.slice(0, -40), 0o755);
  expect(await effective()).toMatchObject({ runs: false, mend: "ikigai init" });
  await box.remove();
  expect(state(box)).toEqual(before);
});

test("half a block of ours is reported, not changed", async () => {
  await using box = await makeFileSandbox();
  const text = "#!/bin/sh\n# >>> ikigai >>>\necho theirs\n";
  const hook = join(box.commonDir, "hooks/post-checkout");
  await write(hook, text, 0o755);
  const report = await box.install();
  expect(report.worktrees[0]?.why).toMatch(/one of the two "ikigai" lines is missing/);
  await box.remove();
  expect(readFileSync(hook, "utf8")).toBe(text);
});

test("a hooks directory that cannot be written is reported, and nothing else stops", async () => {
  await using box = await makeFileSandbox();
  await rm(join(box.commonDir, "hooks"), { recursive: true });
  await mkdir(join(box.commonDir, "hooks/post-checkout"), { recursive: true });
  const report = await box.install();
  expect(report.worktrees[0]).toMatchObject({ runs: false, through: "watching" });
  expect(report.worktrees[0]?.why).toMatch(/neither a file nor a link/);
});

test("without hooks before there are none after", async () => {
  await using box = await makeFileSandbox();
  await rm(join(box.commonDir, "hooks"), { recursive: true });
  const before = state(box);
  await box.install();
  expect(existsSync(join(box.commonDir, "hooks/post-checkout"))).toBe(true);
  await box.remove();
  expect(state(box)).toEqual(before);
  expect(existsSync(join(box.commonDir, "ikigai-hooks.json"))).toBe(false);
});

test("a hook of ours that was deleted or disabled is restored", async () => {
  await using box = await makeFileSandbox();
  await box.install();
  const hook = join(box.commonDir, "hooks/post-checkout");
  const whole = snapshot(hook);
  await rm(hook);
  await box.install();
  expect(snapshot(hook)).toEqual(whole);
  await chmod(hook, 0o644);
  await rm(join(box.commonDir, "hooks/ikigai-hook"));
  await box.install();
  expect(snapshot(hook)).toEqual(whole);
  await using heard = await listen(box.root);
  await written(box, "switch", "--quiet", "--create", "one");
  expect(heard.told).toHaveLength(1);
});

test("a moved project keeps its hook, and can still remove it", async () => {
  await using box = await makeFileSandbox();
  const before = Object.keys(state(box)).length;
  await box.install();
  const moved = join(box.base, "elsewhere");
  await box.run("mv", [box.root, moved], { cwd: box.base });
  await using heard = await listen(moved);
  await box.git(moved, "switch", "--quiet", "--create", "one");
  expect(heard.told).toEqual([join(moved, ".git")]);
  const { removeHook } = await import("../../src/host/git/hook/installation.ts");
  await removeHook({ commonDir: join(moved, ".git"), worktrees: [], env: box.env });
  expect(
    Object.keys(snapshot(...["hooks", "config", "info"].map((x) => join(moved, ".git", x)))),
  ).toHaveLength(before);
});
