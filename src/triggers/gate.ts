import http from "node:http";
import { failurePage, type ServiceFailure } from "../model/failure-page.ts";
import { isSlug } from "../model/slug.ts";
import type { Keeper } from "./keeper.ts";

/**
 * What nginx asks when a backend does not answer. `/wake` brings a service up
 * and sends nginx back to it; `/down` only explains. Nothing else is offered, so
 * that no request from outside reaches the daemon's own interface.
 */
export function gateServer(keeper: Keeper): http.Server {
  return http.createServer((request, response) => {
    request.resume();
    answer(keeper, request)
      .catch((error: unknown): Answer => {
        const why = error instanceof Error ? error.message : String(error);
        return {
          status: 503,
          failure: { title: "ikigai could not look", why, next: "ikigai status", log: [] },
        };
      })
      .then((given) => send(request, response, given));
  });
}

type Answer =
  | { readonly status: 200 }
  | { readonly status: 404 | 502 | 503; readonly failure: ServiceFailure };

async function answer(keeper: Keeper, request: http.IncomingMessage): Promise<Answer> {
  const slug = header(request, "x-ikigai-worktree");
  const name = header(request, "x-ikigai-service");
  if (slug !== ".default" && !isSlug(slug)) return unknown(`There is no worktree ${slug}.`);
  let worktree = keeper.find(slug);
  let service = worktree?.services.find((s) => s.slug === name);
  if (!service?.backend || !keeper.isProvisioned(worktree?.slug ?? "")) {
    // It may be so new that nobody has looked yet.
    await (slug === ".default" ? keeper.lookEverywhere() : keeper.lookAt(slug));
    worktree = keeper.find(slug);
    service = worktree?.services.find((s) => s.slug === name);
  }
  if (!worktree) {
    return slug === ".default"
      ? unknown("No worktree is the default one.", "ikigai wt list")
      : unknown(`There is no worktree ${slug}.`);
  }
  if (!service) return unknown(`The worktree ${worktree.slug} has no service ${name}.`);
  if (!service.backend) return unknown(`The service ${name} of ${worktree.slug} has no backend.`);
  const title = `${worktree.slug}/${service.slug} is down`;
  const problems = keeper.problemsOf(worktree.slug);
  if (problems.length > 0) {
    return {
      status: 503,
      failure: { title, why: problems.join(" "), next: "ikigai status", log: [] },
    };
  }
  if (request.url === "/down") {
    return { status: 503, failure: { title, ...keeper.wakes.explain(worktree, service) } };
  }
  const result = await keeper.wakes.wake(worktree, service);
  return result.awake ? { status: 200 } : { status: 503, failure: { title, ...result } };
}

function unknown(why: string, next = "ikigai wt list"): Answer {
  return { status: 404, failure: { title: "Not found", why, next, log: [] } };
}

function send(request: http.IncomingMessage, response: http.ServerResponse, given: Answer): void {
  if (given.status === 200) {
    response.writeHead(200, { "X-Accel-Redirect": "@awake" }).end();
    return;
  }
  const html = header(request, "x-ikigai-accept").includes("text/html");
  response
    .writeHead(given.status, {
      "Content-Type": html ? "text/html; charset=utf-8" : "application/json",
      "Cache-Control": "no-store",
      ...(given.status === 503 ? { "Retry-After": "2" } : {}),
    })
    .end(html ? failurePage(given.status, given.failure) : jsonOf(given));
}

function jsonOf({ status, failure }: Exclude<Answer, { status: 200 }>): string {
  const { title, why, next, log } = failure;
  return `${JSON.stringify({ error: title, why, next, ...(status === 404 ? {} : { log }) })}\n`;
}

function header(request: http.IncomingMessage, name: string): string {
  const value = request.headers[name];
  return typeof value === "string" ? value : "";
}
