import type http from "node:http";
import { listen } from "./backend.ts";
import type { Project } from "./project.ts";

/** A request to the gate. */
export interface Asked {
  readonly path: string;
  readonly method: string;
  readonly worktree: string;
  readonly service: string;
  readonly accept: string;
  readonly uri: string;
  readonly failure: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly bodyBytes: number;
}

export interface Refusal {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Answer = "awake" | Refusal;

export interface Gate {
  readonly asked: Asked[];
  readonly server: http.Server;
}

export type Wake = (asked: Asked) => Answer | Promise<Answer>;

/** A gate on the project's gate socket with given answers for `/wake` and `/down`. */
export async function startGate(project: Project, wake: Wake = () => unknown): Promise<Gate> {
  const asked: Asked[] = [];
  const server = await listen(project, project.gateSocket, async (request, response, body) => {
    const one = asOf(request, body.length);
    asked.push(one);
    const answer = one.path === "/wake" ? await wake(one) : down(one);
    if (answer === "awake") {
      response.writeHead(200, { "X-Accel-Redirect": "@awake" }).end();
      return;
    }
    response.writeHead(answer.status, { "Content-Type": "application/json", ...answer.headers });
    response.end(answer.body);
  });
  return { asked, server };
}

export const unknown: Refusal = { status: 404, body: JSON.stringify({ error: "no such service" }) };

function down(asked: Asked): Refusal {
  const status = { interrupted: 502, late: 504, "no-frontend": 404 }[asked.failure] ?? 503;
  return { status, body: JSON.stringify({ error: asked.failure }) };
}

function asOf({ url, method, headers }: http.IncomingMessage, bodyBytes: number): Asked {
  const header = (name: string): string => String(headers[`x-ikigai-${name}`] ?? "");
  return {
    path: url ?? "",
    method: method ?? "",
    worktree: header("worktree"),
    service: header("service"),
    accept: header("accept"),
    uri: header("uri"),
    failure: header("failure"),
    headers,
    bodyBytes,
  };
}
