import http from "node:http";
import type { WorktreeFacts } from "../../discovery/facts.ts";
import { DEFAULT } from "../../host/nginx/default-pointer.ts";
import { serviceUrl, shownUrl } from "../../model/addresses.ts";
import { failurePage, type ServiceFailure } from "../../model/failure-page.ts";
import { isSlug } from "../../model/slug.ts";
import type { Service } from "../../model/worktree.ts";
import type { Reconciler } from "../reconciler/reconciler.ts";

/**
 * Serves nginx's requests for upstreams that do not answer: `/wake` activates the service and redirects
 * nginx back to it, `/down` only explains the failure. Offers nothing else, so that no request from
 * outside reaches the API.
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
          failure: {
            title: "ikigai could not check this service",
            why,
            next: "ikigai status",
            log: [],
          },
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
      ? unknown("There is no default worktree.")
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
  // The default worktree may have changed meanwhile, and nginx's next try would go to the new one.
  const now = find(reconciler, slug);
  if (now && now.slug !== worktree.slug) return answer(reconciler, misses, request, httpPort);
  const title = `${worktree.slug}/${service.slug} is down`;
  if (!result.awake) return { status: 503, failure: { title, ...result } };
  return { status: 200, port: reconciler.host.ports.get(`${worktree.slug}/${service.slug}`) };
}

/**
 * Finds the worktree that an address leads to. For addresses without a name, nginx's links decide: they
 * are switched a little later than the default worktree itself.
 */
function find(reconciler: Reconciler, slug: string): WorktreeFacts | undefined {
  const bare = slug === DEFAULT ? reconciler.host.pointer.slug : undefined;
  return (bare === undefined ? undefined : reconciler.find(bare)) ?? reconciler.find(slug);
}

/** Explains a request for a new worktree that came to the default one, as the new route did not exist yet. */
function preparing(slug: string): Answer {
  const why = "The worktree is new; its addresses are still being set up.";
  const failure = {
    title: `${slug} is not ready yet`,
    why,
    next: `ikigai wt wait ${slug}`,
    log: [],
  };
  return { status: 503, failure };
}

/** Reconciles, at most once a second, if a worktree or service is unknown: it may be new. */
async function untilKnown(
  reconciler: Reconciler,
  misses: Misses,
  slug: string,
  name: string,
): Promise<void> {
  const isKnown = () => find(reconciler, slug)?.services.some((s) => s.slug === name) === true;
  // All names of unknown worktrees share one key, as each needs the same full reconcile.
  const place = slug !== ".default" && find(reconciler, slug) ? slug : ".default";
  if (isKnown() || misses.isRecent(place)) return;
  let looking = true;
  const look = slug === ".default" ? reconciler.reconcileAll() : reconciler.reconcile(slug);
  const over = look.finally(() => {
    looking = false;
  });
  over.catch(() => {});
  // The reconcile finds it quickly; do not wait until its database is branched as well.
  while (looking && !isKnown()) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  if (!isKnown()) await over;
  if (!isKnown()) misses.add(place);
}

/** Remembers unsuccessful searches for a second: requests for wrong paths come by the dozen. */
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

const POLL_MS = 5;

/** Explains why a request was not answered. The request is not repeated, because it may have had effects. */
function explanation(
  reconciler: Reconciler,
  request: http.IncomingMessage,
  worktree: WorktreeFacts,
  service: Service,
): Answer {
  const name = `${worktree.slug}/${service.slug}`;
  switch (header(request, "x-ikigai-failure")) {
    case "interrupted": {
      const why = "it closed the connection before it answered";
      const failure = reconciler.activator.describeFailure(worktree, service, why);
      return { status: 502, failure: { title: `${name} did not answer`, ...failure } };
    }
    case "late": {
      const why = "it took too long to answer";
      const failure = reconciler.activator.describeFailure(worktree, service, why);
      return { status: 504, failure: { title: `${name} did not answer`, ...failure } };
    }
    default: {
      const why = "it was started but could not be reached";
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
