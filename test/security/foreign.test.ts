import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { chmod, lchown } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { accounts, giveTo, identityOf, ourselves } from "../support/as-user.ts";

const cli = join(import.meta.dirname, "../../dist/cli.cjs");
const other = accounts().find(({ uid }) => uid !== ourselves.uid);
let base: string;

beforeAll(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), "iki-")));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** Files that any account can put into a writable directory, which leave a trace when they run. */
async function lay(name: string): Promise<{ root: string; canary: string }> {
  const root = join(base, name);
  const canary = join(root, "canary");
  for (const directory of [".git/objects", ".ikigai/bin", "below"]) {
    mkdirSync(join(root, directory), { recursive: true });
  }
  writeFileSync(join(root, ".git/HEAD"), "ref: refs/heads/main\n");
  for (const program of ["runsvdir", "nginx", "pg_ctl"]) {
    const file = join(root, ".ikigai/bin", program);
    writeFileSync(file, `#!/bin/sh\necho ${program} >>'${canary}'\n`);
    await chmod(file, 0o755);
  }
  writeFileSync(canary, "");
  return { root, canary };
}

const COMMANDS = [
  ["status"],
  ["stop"],
  ["restart"],
  ["doctor"],
  ["uninstall"],
  ["wt", "list"],
  ["init"],
  ["start"],
];

test.skipIf(!other).each([[".ikigai"], [".git"]])(
  "a project whose %s is another account's is refused by name, and nothing of it runs",
  async (part) => {
    const { root, canary } = await lay(`foreign${part}`);
    await giveTo(other ?? ourselves, join(root, part));
    for (const args of COMMANDS) {
      const cwd = join(root, "below");
      const { exitCode, stderr } = await execa(process.execPath, [cli, ...args], {
        cwd,
        reject: false,
      });
      expect(exitCode, args.join(" ")).toBe(1);
      expect(stderr, args.join(" ")).toContain(
        `${join(root, part)} belongs to the account with the number ${other?.uid}, and you are 0`,
      );
      expect(stderr, args.join(" ")).toMatch(/\n {2}next: run ikigai as that account/);
    }
    expect(readFileSync(canary, "utf8")).toBe("");
  },
);

test.skipIf(!other)("an ordinary account does not use root's project either", async () => {
  const { root, canary } = await lay("roots");
  const account = other ?? ourselves;
  await chmod(base, 0o755);
  await lchown(root, account.uid, account.gid);
  const { exitCode, stderr } = await execa(process.execPath, [cli, "status"], {
    ...identityOf(account),
    cwd: root,
    reject: false,
  });
  expect(exitCode).toBe(1);
  expect(stderr).toContain("belongs to the account with the number 0");
  expect(readFileSync(canary, "utf8")).toBe("");
});
