import http from "node:http";
import net from "node:net";
import type { Seen } from "./backend.ts";
import type { Project } from "./project.ts";

export interface Reply {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

export interface RequestOptions {
  readonly method?: string;
  readonly host?: string;
  readonly headers?: http.OutgoingHttpHeaders;
  readonly body?: Buffer | string;
}

/** Sends one request with the path exactly as given. */
export function request(
  project: Project,
  path: string,
  options: RequestOptions = {},
): Promise<Reply> {
  const { method = "GET", host = "localhost", headers, body } = options;
  return new Promise((resolve, reject) => {
    const outgoing = http.request(
      {
        host: "127.0.0.1",
        port: project.port,
        path,
        method,
        agent: false,
        headers: { host: `${host}:${project.port}`, ...headers },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString(),
          }),
        );
      },
    );
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

/** Returns the request as seen by the backend; throws if no backend answered. */
export async function seen(
  project: Project,
  path: string,
  options: RequestOptions = {},
): Promise<Seen> {
  const reply = await request(project, path, options);
  if (reply.status !== 200) throw new Error(`${path}: ${reply.status} ${reply.body}`);
  return JSON.parse(reply.body);
}

/** Sends bytes and returns everything received until the connection ends. */
export function raw(project: Project, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = net.connect(project.port, "127.0.0.1", () => socket.write(bytes, "latin1"));
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("error", reject);
    socket.on("close", () => resolve(Buffer.concat(chunks).toString("latin1")));
  });
}

/** Sends one request line as it is, with a Host; returns status and the whole response. */
export async function rawGet(
  project: Project,
  target: string,
  host = "localhost",
): Promise<{ status: number; reply: string }> {
  const head = `GET ${target} HTTP/1.1\r\nHost: ${host}:${project.port}\r\nConnection: close\r\n\r\n`;
  const reply = await raw(project, head);
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(reply)?.[1] ?? 0), reply };
}
