import { once } from "node:events";
import http from "node:http";
import type { Project } from "./project.ts";

/** A request as seen by a backend. */
export interface Seen {
  readonly backend: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly bodyBytes: number;
}

export type Handler = (
  request: http.IncomingMessage,
  response: http.ServerResponse,
  body: Buffer,
) => void;

/** Starts a server on a worktree's socket that returns the request it saw, or runs `handler`. */
export async function startBackend(
  project: Project,
  worktree: string,
  service = "backend",
  handler?: Handler,
): Promise<http.Server> {
  return await listen(
    project,
    project.socketOf(worktree, service),
    handler ?? echo(`${worktree}/${service}`),
  );
}

/** The same on a given path or port. */
export async function listen(
  project: Project,
  where: string | number,
  handler: Handler,
): Promise<http.Server> {
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => handler(request, response, Buffer.concat(chunks)));
  });
  if (typeof where === "string") server.listen(where);
  else server.listen(where, "127.0.0.1");
  await once(server, "listening");
  project.defer(() => stop(server));
  return server;
}

export function echo(backend: string): Handler {
  return (request, response, body) => {
    const seen: Seen = {
      backend,
      method: request.method ?? "",
      url: request.url ?? "",
      headers: Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
      ),
      bodyBytes: body.length,
    };
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(seen));
  };
}

/** Closes a server with its connections; does nothing if it is closed. */
export async function stop(server: http.Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}
