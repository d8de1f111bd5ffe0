import http from "node:http";
import type { WorktreeFacts } from "../../discovery/facts.ts";
import { DEFAULT } from "../../host/nginx/default-pointer.ts";
import { serviceUrl, shownUrl } from "../../model/addresses.ts";
import { failurePage, type ServiceFailure } from "../../model/failure-page.ts";
import { isSlug } from "../../model/slug.ts";
import type { Service } from "../../model/worktree.ts";
import type { Reconciler } from "../reconciler/reconciler.ts";

/**
 * What nginx asks when a backend does not answer. `/wake` brings a service up
 * and sends nginx back to it; `/down` only explains. Nothing else is offered, so
 * that no request from outside reaches the daemon's own interface.
 */
export function gateServer(reconciler: Reconciler, httpPort: () => number): http.Server {
  const misses = new Misses();
  return http.createServer((request, response) => {
    request.resume();
    answer(reconciler, misses, request, httpPort())
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
  | { readonly status: 200; readonly port?: number | undefined }
  | { readonly status: 404 | 502 | 503 | 504; readonly failure: ServiceFailure };

async function answer(
  reconciler: Reconciler,
  misses: Misses,
  request: http.IncomingMessage,
  httpPort: number,
): Promise<Answer> {
  const slug = header(request, "x-ikigai-worktree");
  const name = header(request, "x-ikigai-service");
  if (slug !== ".default" && !isSlug(slug)) return unknown(`There is no worktree ${slug}.`);
  await untilKnown(reconciler, misses, slug, name);
  const worktree = find(reconciler, slug);
  if (!worktree) {
    return slug === ".default"
      ? unknown("No worktree is the default one.")
      : unknown(`There is no worktree ${slug}.`);
  }
  const service = worktree.services.find((s) => s.slug === name);
  if (!service && slug === ".default" && reconciler.find(name)) return preparing(name);
  if (!service && slug === ".default" && name !== "backend") {
    return unknown(
      `There is no worktree ${name}, and no service of that name in ${worktree.slug}.`,
    );
  }
  if (!service) {
    const [other] = worktree.services;
    const why = `The worktree ${worktree.slug} has no service ${name}.`;
    return unknown(why, other && shownUrl(worktree.slug, worktree.services, httpPort));
  }
  if (header(request, "x-ikigai-failure") === "no-frontend") {
    const url = service.backend && serviceUrl(worktree.slug, service, httpPort);
    return unknown(`The service ${name} of ${worktree.slug} has no frontend.`, url);
  }
  if (!service.backend) return unknown(`The service ${name} of ${worktree.slug} has no backend.`);
  if (service.backend.listen === "none") {
    const why = `The service ${name} of ${worktree.slug} has no HTTP (services.${service.name}.http is false).`;
    return unknown(why, `ikigai logs ${worktree.slug}/${service.slug}`);
  }
  if (request.url !== "/wake") return explanation(reconciler, request, worktree, service);
  const result = await reconciler.activator.activate(worktree, service);
  // The bare addresses may lead elsewhere by now, and nginx goes there again.
  const now = find(reconciler, slug);
  if (now && now.slug !== worktree.slug) return answer(reconciler, misses, request, httpPort);
  const title = `${worktree.slug}/${service.slug} is down`;
  if (!result.awake) return { status: 503, failure: { title, ...result } };
  return { status: 200, port: reconciler.host.ports.get(`${worktree.slug}/${service.slug}`) };
}

/** The worktree that an address leads to: of the bare ones, which lag behind what is chosen, the links decide. */
function find(reconciler: Reconciler, slug: string): WorktreeFacts | undefined {
  const bare = slug === DEFAULT ? reconciler.host.pointer.slug : undefined;
  return (bare === undefined ? undefined : reconciler.find(bare)) ?? reconciler.find(slug);
}

/** Its address was not there yet when the request came, and so led to the default worktree. */
function preparing(slug: string): Answer {
  const why = "The worktree is new, and its addresses are only being made.";
  const failure = {
    title: `${slug} is not ready yet`,
    why,
    next: `ikigai wt wait ${slug}`,
    log: [],
  };
  return { status: 503, failure };
}

/** A worktree or a service may be so new that nobody has looked yet: once a second that is looked for. */
async function untilKnown(
  reconciler: Reconciler,
  misses: Misses,
  slug: string,
  name: string,
): Promise<void> {
  const isKnown = () => find(reconciler, slug)?.services.some((s) => s.slug === name) === true;
  // What leads to no worktree is looked for everywhere, whatever its name.
  const place = slug !== ".default" && find(reconciler, slug) ? slug : ".default";
  if (isKnown() || misses.isRecent(place)) return;
  let looking = true;
  const look = slug === ".default" ? reconciler.reconcileAll() : reconciler.reconcile(slug);
  const over = look.finally(() => {
    looking = false;
  });
  over.catch(() => {});
  // What it is follows at once; that its database is there may take longer.
  while (looking && !isKnown()) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  if (!isKnown()) await over;
  if (!isKnown()) misses.add(place);
}

/** Where something was looked for in vain a moment ago: wrong paths come by the dozen. */
class Misses {
  readonly #until = new Map<string, number>();

  isRecent(place: string): boolean {
    return performance.now() < (this.#until.get(place) ?? Number.NEGATIVE_INFINITY);
  }

  add(place: string): void {
    this.#until.set(place, performance.now() + MISS_MS);
  }
}

const MISS_MS = 1_000;

const LOOK_MS = 5;

/** A request that reached the service and was not answered is not repeated, as it may have acted. */
function explanation(
  reconciler: Reconciler,
  request: http.IncomingMessage,
  worktree: WorktreeFacts,
  service: Service,
): Answer {
  const name = `${worktree.slug}/${service.slug}`;
  switch (header(request, "x-ikigai-failure")) {
    case "interrupted": {
      const why = "it closed the connection before it had answered";
      const failure = reconciler.activator.describeFailure(worktree, service, why);
      return { status: 502, failure: { title: `${name} did not answer`, ...failure } };
    }
    case "late": {
      const why = "it took too long to answer";
      const failure = reconciler.activator.describeFailure(worktree, service, why);
      return { status: 504, failure: { title: `${name} did not answer`, ...failure } };
    }
    default: {
      const why = "it was started and could not be reached";
      const failure = reconciler.activator.describeFailure(worktree, service, why);
      return { status: 503, failure: { title: `${name} is down`, ...failure } };
    }
  }
}

function unknown(why: string, next = "ikigai wt list"): Answer {
  return { status: 404, failure: { title: "Not found", why, next, log: [] } };
}

function send(request: http.IncomingMessage, response: http.ServerResponse, given: Answer): void {
  if (given.status === 200) {
    const port = given.port === undefined ? {} : { "X-Ikigai-Port": String(given.port) };
    response.writeHead(200, { "X-Accel-Redirect": "@awake", ...port }).end();
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

function jsonOf({ status, failure }: Exclude<Answer, { readonly status: 200 }>): string {
  const { title, why, next, log } = failure;
  return `${JSON.stringify({ error: title, why, next, ...(status === 404 ? {} : { log }) })}\n`;
}

function header(request: http.IncomingMessage, name: string): string {
  const value = request.headers[name];
  return typeof value === "string" ? value : "";
}
