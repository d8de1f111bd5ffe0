import type { WorktreeFacts } from "../../discovery/facts.ts";
import { namedTarget } from "../../discovery/worktree-names.ts";
import { worktreeHolding } from "../../discovery/worktree-of-directory.ts";
import { nearestName } from "../../model/nearest-name.ts";
import { UnknownName } from "../../model/user-error.ts";
import type { Service } from "../../model/worktree.ts";
import type { GivenRetention } from "../jobs/retention.ts";
import type { Reconciler } from "../reconciler/reconciler.ts";
import { onHookCall } from "../watch/git-hook.ts";
import { answering, namedIn, refusing, taking } from "./answering.ts";
import { databaseApi } from "./database.ts";
import { expiringSoon, restoreApi } from "./retained-data.ts";
import type { Api, ApiAnswer, ApiRequest } from "./route.ts";
import { inspect, inspectAll } from "./worktree-reports.ts";

export interface ApiContext {
  readonly reconciler: Reconciler;
  readonly httpPort: () => number;
  readonly version: string;
  /** The digest of the running program. */
  readonly program: string;
  readonly retention: GivenRetention;
  /** Errors in the project's configuration; while there are any, the last valid one applies. */
  readonly problems: () => readonly string[];
  /** Whether the first reconcile of everything has finished. */
  readonly ready: () => boolean;
  /** Why changes are noticed later than usual; undefined if they are not. */
  readonly degraded: () => string | undefined;
}

/** Builds the daemon's API, described in docs/api.md. */
export function apiOf(context: ApiContext): Api {
  const { reconciler, httpPort, version, program, retention, problems, ready, degraded } = context;
  const each = async (
    { body, query }: ApiRequest,
    act: (worktree: WorktreeFacts, service: Service) => Promise<unknown>,
    open = false,
  ): Promise<ApiAnswer> => {
    const target = query.get("of") ?? body.toString().trim();
    const { worktree, service: name } = namedTarget(
      reconciler.worktrees,
      target,
      query.get("cwd") ?? "/",
    );
    const services = worktree.services.filter(
      (s) => s.backend && (name === undefined || s.slug === name || s.name === name),
    );
    if (name !== undefined && services.length === 0) throw unknownService(worktree, name);
    const results = await Promise.all(
      services.map(async (service) => ({
        service: `${worktree.slug}/${service.slug}`,
        result: await act(worktree, service),
      })),
    );
    const json = { worktree: inspect(reconciler, worktree, httpPort()), results };
    return { status: 200, json, open };
  };
  const expiring = expiringSoon(reconciler, retention);
  return {
    "GET /v1/health": taking([], () => ({
      status: 200,
      json: {
        ok: true,
        pid: process.pid,
        version,
        program,
        ready: ready(),
        ...(degraded() === undefined ? {} : { degraded: degraded() }),
      },
    })),
    "POST /v1/hook": taking([], async ({ body }) => {
      await onHookCall(reconciler, body);
      return { status: 204 };
    }),
    "POST /v1/look": taking(
      ["of", "cwd", "brief"],
      refusing(async ({ query }) => {
        const began = performance.now();
        const of = query.get("of");
        const named = of === null ? undefined : namedIn(reconciler, query, "of");
        if (named) reconciler.markRequested(named.slug);
        await reconciler.reconcileAll();
        if (named) reconciler.startRequested([named.slug]);
        const milliseconds = performance.now() - began;
        // `brief`: the caller only waits for the reconcile; start and list nothing.
        if (query.has("brief")) return { status: 200, json: { milliseconds } };
        // A worktree that was never requested may contain anything: start nothing in it.
        const { requested } = reconciler.host;
        const wanted = reconciler.worktrees.filter((w) => w.isDefault || requested.has(w.identity));
        reconciler.startRequested(wanted.map(({ slug }) => slug));
        await reconciler.activator.settled();
        const worktrees = inspectAll(reconciler, httpPort());
        return { status: 200, json: { worktrees, problems: problems() } };
      }),
    ),
    "GET /v1/worktrees": taking([], async () => ({
      status: 200,
      json: {
        worktrees: inspectAll(reconciler, httpPort()),
        problems: problems(),
        expiring: await expiring(),
      },
    })),
    "GET /v1/worktree": taking(
      ["of", "cwd"],
      answering((query) => {
        const of = query.get("of");
        const cwd = query.get("cwd") ?? "";
        const found =
          of === null
            ? worktreeHolding(reconciler.worktrees, cwd)
            : namedIn(reconciler, query, "of");
        if (!found) throw new UnknownName(`There is no worktree at ${cwd}.`, "ikigai wt list");
        return { worktree: inspect(reconciler, found, httpPort()) };
      }),
    ),
    "GET /v1/plan": taking([], async () => ({ status: 200, json: await reconciler.plan() })),
    "POST /v1/up": taking(
      ["of", "cwd"],
      refusing((request) =>
        each(request, (worktree, service) =>
          reconciler.activator.activate(worktree, service, true),
        ),
      ),
    ),
    "POST /v1/down": taking(
      ["of", "cwd"],
      refusing((request) =>
        each(request, (worktree, service) => reconciler.activator.stop(worktree, service)),
      ),
    ),
    "POST /v1/restart": taking(
      ["of", "cwd"],
      refusing((request) =>
        each(request, async (worktree, service) => {
          await reconciler.activator.stop(worktree, service);
          return reconciler.activator.activate(worktree, service, true);
        }),
      ),
    ),
    // Services are kept running for as long as the connection is open.
    "POST /v1/lease": taking(
      ["of", "cwd"],
      refusing((request) =>
        each(
          request,
          (worktree, service) => {
            reconciler.idleManager.leases.hold(
              [`${worktree.slug}.${service.slug}`],
              request.closed,
            );
            return reconciler.activator.activate(worktree, service, true);
          },
          true,
        ),
      ),
    ),
    "POST /v1/sv": taking([], async ({ body }) => controlByName(reconciler, body.toString())),
    ...databaseApi(reconciler),
    ...restoreApi(reconciler, retention),
    "POST /v1/rest": taking([], async () => {
      await reconciler.stopAllServices();
      return { status: 204 };
    }),
  };
}

function unknownService({ slug, services }: WorktreeFacts, name: string): UnknownName {
  const known = services.filter(({ backend }) => backend).map((service) => service.name);
  const nearest = nearestName(name, known);
  const there = known.length === 0 ? "it has none" : `it has ${known.join(", ")}`;
  return new UnknownName(
    `There is no service ${name} in ${slug}; ${nearest ? `did you mean ${nearest}?` : `${there}.`}`,
    `ikigai wt show ${slug}`,
  );
}

/** Answers `bin/sv` for a service that has no service directory at the moment. */
async function controlByName(reconciler: Reconciler, text: string): Promise<ApiAnswer> {
  const [command = "", name = ""] = text.split("\n");
  const [first = "", second] = name.split(".");
  const worktree = second === undefined ? reconciler.find(".default") : reconciler.find(first);
  const service = worktree?.services.find((s) => s.slug === (second ?? first) && s.backend);
  if (!worktree || !service) return { status: 404, text: `fail: ${name}: no such service\n` };
  if (/^(up|start|restart|once|u|o|s)$/.test(command)) {
    const result = await reconciler.activator.activate(worktree, service, true);
    return result.awake
      ? { status: 200, text: `ok: run: ${name}\n` }
      : { status: 503, text: `fail: ${name}: ${result.why}\n` };
  }
  return {
    status: 200,
    text: `${command === "status" ? "" : "ok: "}down: ${name}: idle, starts with the first request\n`,
  };
}
