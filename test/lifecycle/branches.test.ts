import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TestProject } from "../support/project.ts";
import { waitFor } from "../support/wait.ts";
import { provisioned, startProject } from "./support.ts";

let project: TestProject;
let top: string;

const git = (...args: string[]) => project.git("work", ...args);
const services = async () =>
  (await provisioned(project)).services.filter((name) => name.startsWith("work."));
const soon = (wanted: readonly string[]) =>
  waitFor(async () => expect(await services()).toEqual(wanted) ?? true);

/** Commits a service, or its removal, in the worktree. */
async function commitService(name: string): Promise<void> {
  await mkdir(join(top, name, "backend"), { recursive: true });
  const main = "Deno.serve(() => new Response('extra'));\n";
  await writeFile(join(top, name, "backend/main.ts"), main);
  await git("add", "--all");
  await git("commit", "--quiet", "--message", `Add ${name}`);
}

beforeAll(async () => {
  project = await startProject();
  top = join(project.root, "work");
  await project.git(".", "worktree", "add", "--quiet", "-b", "plain", "work");
  await git("switch", "--quiet", "-c", "with-admin");
  await commitService("admin");
  await git("switch", "--quiet", "plain");
});
afterAll(async () => {
  expect(await project.dispose()).toEqual([]);
});

describe("services follow what git does to the files", () => {
  const with_ = ["work.admin", "work.backend"];
  const without = ["work.backend"];

  it.each<[string, string[][], string[]]>([
    ["switch", [["switch", "-q", "with-admin"]], with_],
    ["checkout", [["checkout", "-q", "plain"]], without],
    ["merge", [["merge", "-q", "--no-ff", "-m", "Merge", "with-admin"]], with_],
    ["reset --hard, which runs no hook", [["reset", "-q", "--hard", "HEAD~1"]], without],
    ["rebase", [["rebase", "-q", "with-admin"]], with_],
    ["checkout --detach", [["checkout", "-q", "--detach", "main"]], without],
    ["pull", [["pull", "-q", ".", "with-admin"]], with_],
    [
      "without the hook",
      [["-c", "core.hooksPath=/dev/null", "switch", "-q", "--detach", "main"]],
      without,
    ],
    ["stash of new files", [["checkout", "-q", "with-admin", "--", "."]], with_],
    ["reset --hard again", [["reset", "-q", "--hard"]], without],
  ])("%s", async (_, commands, wanted) => {
    for (const command of commands) await git(...command);
    await soon(wanted);
  });

  it("through a bisect", async () => {
    await git("switch", "-q", "with-admin");
    for (let i = 0; i < 3; i++) await git("commit", "-q", "--allow-empty", "-m", `Step ${i}`);
    await soon(with_);
    await git("bisect", "start", "with-admin", "main");
    await git("bisect", "run", "test", "!", "-d", "admin");
    await git("switch", "-q", "--detach", "main");
    await soon(without);
    await git("bisect", "reset");
    await soon(with_);
  });

  it("a service that appears without git is noticed too", async () => {
    await git("switch", "-q", "--detach", "main");
    await soon(without);
    await mkdir(join(top, "..", "staging/backend"), { recursive: true });
    await writeFile(
      join(top, "..", "staging/backend/main.ts"),
      "Deno.serve(() => new Response());\n",
    );
    await rename(join(top, "..", "staging"), join(top, "extra"));
    await soon(["work.backend", "work.extra"]);
  });

  it("nothing of ikigai's shows in git status", async () => {
    expect(await git("status", "--porcelain")).toBe("?? extra/");
  });
});
