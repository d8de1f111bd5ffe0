import { once } from "node:events";
import { lstatSync, mkdirSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeProject, type TestProject } from "../support/project.ts";
import { waitFor } from "../support/wait.ts";

const cli = join(import.meta.dirname, "../../dist/cli.cjs");
let project: TestProject;
let imposter: http.Server;
let socket: string;
let asked = 0;

/** A branch's backend that answers like the daemon. */
beforeAll(async () => {
  project = await makeProject({ worktrees: ["rel-05"] });
  expect((await project.ikigai("start")).exitCode).toBe(0);
  socket = join(project.root, ".ikigai/run/sockets/rel-05/daemon.sock");
  imposter = http.createServer((_, response) => {
    asked += 1;
    response.end('{"running":true,"worktrees":[{"slug":"\u001b]0;owned\u0007"}]}\0');
  });
  imposter.listen(socket);
  await once(imposter, "listening");
});
afterAll(async () => {
  imposter?.closeAllConnections();
  imposter?.close();
  await project?.[Symbol.asyncDispose]();
});

const list = (cwd: string) => project.run(process.execPath, [cli, "wt", "list", "--json"], { cwd });

/** What git can check out as `.ikigai`, with links to the imposter. */
const PLANTED: readonly (readonly [string, (ikigai: string) => void])[] = [
  [
    "a directory with a link for the socket",
    (ikigai) => {
      mkdirSync(ikigai);
      symlinkSync(socket, `${ikigai}/daemon.sock`);
    },
  ],
  [
    "a link to the directory of the imposter's socket",
    (ikigai) => symlinkSync("../.ikigai/run/sockets/rel-05", ikigai),
  ],
];

test.each(PLANTED)(
  "wt list asks only the daemon, whatever a branch contains: %s",
  async (_, plant) => {
    for (const at of ["rel-05", "rel-05/backend"]) {
      const ikigai = join(project.root, at, ".ikigai");
      rmSync(ikigai, { recursive: true, force: true });
      plant(ikigai);
      const { exitCode, stdout } = await list(at);
      rmSync(ikigai, { recursive: true });
      expect(exitCode, at).toBe(0);
      expect(JSON.parse(stdout).worktrees.map(({ slug }: { slug: string }) => slug)).toEqual([
        "main",
        "rel-05",
      ]);
    }
    expect(asked).toBe(0);
  },
);

test("no command follows a link in place of the daemon's socket", async () => {
  const path = join(project.root, ".ikigai/daemon.sock");
  for (const args of [
    ["wt", "list"],
    ["wt", "show", "main"],
    ["up", "main"],
    ["lease", "main", "--", "true"],
  ]) {
    // The daemon recreates its socket a moment later, so each command gets a new link.
    rmSync(path, { force: true });
    symlinkSync(socket, path);
    const { stdout, stderr } = await project.ikigai(...args);
    expect(`${stdout}${stderr}`, args.join(" ")).not.toContain("owned");
  }
  expect(asked).toBe(0);
  await waitFor(() => lstatSync(path).isSocket());
});

test("wt list works in a worktree outside of the project, through our link", async () => {
  await project.git(".", "worktree", "add", "--quiet", "-b", "away", "../away", "main");
  // On a slow machine git returns before the worktree has everything.
  await waitFor(() => lstatSync(join(project.root, "../away/.ikigai"), { throwIfNoEntry: false }));
  expect(readlinkSync(join(project.root, "../away/.ikigai"))).toBe(join(project.root, ".ikigai"));
  const { stdout } = await list("../away");
  expect(JSON.parse(stdout).worktrees).toHaveLength(3);
});
