import http from "node:http";
import type { Api, ApiAnswer } from "./route.ts";

const LARGEST_BODY = 65_536;

/**
 * Serves the API as HTTP and JSON on `daemon.sock`. The socket's mode admits only its owner; requests
 * with an Origin header, which a browser could have sent, are refused as well.
 */
export function socketServer(api: Api): http.Server {
  return http.createServer((request, response) => {
    const closed = new AbortController();
    response.once("close", () => closed.abort());
    handle(api, request, closed.signal)
      .catch(
        (error: unknown): ApiAnswer => ({
          status: 500,
          json: {
            error: error instanceof Error ? error.message : String(error),
            next: "ikigai logs daemon",
          },
        }),
      )
      .then((answer) => send(response, answer));
  });
}

async function handle(
  api: Api,
  request: http.IncomingMessage,
  closed: AbortSignal,
): Promise<ApiAnswer> {
  if (request.headers.origin !== undefined) {
    return {
      status: 403,
      json: { error: "The API does not accept requests of browsers.", next: "ikigai --help" },
    };
  }
  const url = new URL(request.url ?? "/", "http://ikigai");
  const route = api[`${request.method} ${url.pathname}`];
  if (!route) {
    return { status: 404, json: { error: `No such call: ${request.method} ${url.pathname}` } };
  }
  const strange = [...url.searchParams.keys()].find((name) => !route.parameters.includes(name));
  if (strange !== undefined) {
    const known = route.parameters.join(", ") || "no parameters";
    const error = `Unknown parameter ${JSON.stringify(strange)}; ${url.pathname} takes ${known}.`;
    return { status: 400, json: { error, next: "docs/api.md" } };
  }
  const body = await readBody(request);
  if (body === undefined) return { status: 413, json: { error: "The body is too large." } };
  return route.call({ body, query: url.searchParams, closed });
}

async function readBody(request: http.IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > LARGEST_BODY) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function send(response: http.ServerResponse, answer: ApiAnswer): void {
  if (response.destroyed) return;
  if ("text" in answer) {
    response
      .writeHead(answer.status, { "Content-Type": "text/plain; charset=utf-8" })
      .end(answer.text);
  } else if ("json" in answer) {
    response.writeHead(answer.status, { "Content-Type": "application/json" });
    response.write(`${JSON.stringify(answer.json)}\n`);
    if (!answer.open) response.end();
  } else {
    response.writeHead(answer.status).end();
  }
}
