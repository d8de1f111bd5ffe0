import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { gateServer } from "../../src/daemon/gate/server.ts";
import { Reconciler } from "../../src/daemon/reconciler/reconciler.ts";
import type { WorktreeFacts } from "../../src/discovery/facts.ts";
import type { StepContext } from "../../src/resources/step-context.ts";
import { ask } from "../support/http.ts";

/** Looks, and finds nothing new. */
class Looker {
  readonly host = { pointer: { slug: undefined } };
  looks = 0;
  readonly #worktrees = [{ slug: "main", services: [] } as unknown as WorktreeFacts];
  find(slug: string) {
    return this.#worktrees.find((one) => one.slug === (slug === ".default" ? "main" : slug));
  }
  reconcile() {
    return this.reconcileAll();
  }
  async reconcileAll() {
    this.looks += 1;
  }
}

let reconciler: Looker;
let socketPath: string;
let server: ReturnType<typeof gateServer>;

beforeEach(async () => {
  reconciler = new Looker();
  socketPath = join(tmpdir(), `iki-gate-${randomUUID().slice(0, 8)}`);
  server = gateServer(reconciler as unknown as Reconciler, () => 8888);
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
});
afterEach(() => {
  server.close();
  rmSync(socketPath, { force: true });
});

const wake = (worktree: string, service: string) =>
  ask(0, "/wake", {
    socketPath,
    headers: { "x-ikigai-worktree": worktree, "x-ikigai-service": service },
  });

it("looks once for any number of paths that lead nowhere", async () => {
  for (let i = 0; i < 5; i += 1) {
    expect((await wake(".default", `asset-${i}`)).status).toBe(404);
    expect((await wake(`nobody-${i}`, "backend")).status).toBe(404);
    expect((await wake("main", `asset-${i}`)).status).toBe(404);
  }
  // Everywhere, and in the worktree that is there.
  expect(reconciler.looks).toBe(2);
});

it("has no look follow from Postgres being away alone", () => {
  const host = { slots: {}, notes: {}, layout: {}, postgres: {} } as unknown as StepContext;
  const real = new Reconciler(
    () => {
      throw new Error("nothing is looked at here");
    },
    host,
    () => {},
  );
  expect(real.isRetryDue()).toBe(false);
});
