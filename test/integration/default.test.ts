import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { processesOf } from "../../scripts/processes.js";
import { layoutOf } from "../../src/model/layout.ts";
import type { TestProject } from "../support/project.ts";
import { must, startProject } from "../support/running.ts";
import { waitFor } from "../support/wait.ts";

let project: TestProject;

beforeAll(async () => {
  project = await startProject({ worktrees: ["rel-05"] });
}, 180_000);

afterAll(async () => {
  expect(await project?.dispose()).toEqual([]);
}, 60_000);

/** Sets the default worktree, and waits until the bare addresses lead there. */
async function choose(name: string): Promise<void> {
  const file = `${project.root}/.ikigairc.json`;
  const settings = JSON.parse(readFileSync(file, "utf8"));
  writeFileSync(file, JSON.stringify({ ...settings, worktrees: { default: name } }));
  const { sockets, documents } = layoutOf(project.root);
  await waitFor(() =>
    [sockets, documents].every((place) => readlinkSync(`${place}/.default`) === name),
  );
}

/** Whether nginx keeps connections for the bare addresses. */
function areKept(): boolean {
  const slots = `${layoutOf(project.root).run}/slots`;
  return readdirSync(slots).some((slot) => existsSync(`${slots}/${slot}/.default.backend`));
}

interface Load {
  /** Number of answered requests by worktree. */
  readonly answered: Map<string, number>;
  readonly lost: string[];
  end(): Promise<void>;
}

/** Starts clients that send one request after another, each on a kept connection. */
function load(clients: number): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const answered = new Map<string, number>();
  const lost: string[] = [];
  let isOver = false;
  const ask = (method: string) =>
    new Promise<void>((resolve) => {
      const headers = { host: `localhost:${project.httpPort}` };
      const target = { host: "127.0.0.1", port: project.httpPort, path: "/api/x" };
      const outgoing = request({ ...target, method, headers, agent }, (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (part: string) => {
          text += part;
        });
        answer.on("end", () => {
          const worktree = answer.statusCode === 200 ? JSON.parse(text).worktree : undefined;
          if (worktree === undefined) lost.push(`${answer.statusCode} ${text}`);
          else answered.set(worktree, (answered.get(worktree) ?? 0) + 1);
          resolve();
        });
      });
      outgoing.on("error", (error) => {
        lost.push(`${method} ${error.message}`);
        resolve();
      });
      outgoing.end(method === "POST" ? "x" : undefined);
    });
  const all = Array.from({ length: clients }, async (_, client) => {
    for (let i = client; !isOver; i++) await ask(i % 5 === 0 ? "POST" : "GET");
  });
  return {
    answered,
    lost,
    async end() {
      isOver = true;
      await Promise.all(all);
      agent.destroy();
    },
  };
}

test("the default worktree changes there and back under load, and no request is lost", async () => {
  const workers = async () =>
    (await processesOf([project.root])).filter(({ title }) => /nginx: worker/.test(title));
  await must(project, "up", "rel-05");
  expect(areKept()).toBe(true);
  const before = await workers();
  const { answered, lost, end } = load(8);
  const more = async (name: string) => {
    const already = answered.get(name) ?? 0;
    await waitFor(() => (answered.get(name) ?? 0) > already + 500);
  };
  await more("main");
  for (const name of ["rel-05", "main"]) {
    await choose(name);
    // Requests under way may still end where they began.
    const other = name === "main" ? "rel-05" : "main";
    await more(name);
    const old = answered.get(other);
    await more(name);
    expect(answered.get(other)).toBe(old);
  }
  await end();
  expect(lost).toEqual([]);
  expect(await workers()).toEqual(before);
  await waitFor(areKept);
  expect((await project.http("/api/x")).json().worktree).toBe("main");
});
