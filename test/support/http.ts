import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from "node:http";

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body as JSON. Throws with the body in the message when it is not. */
  json<T = Record<string, unknown>>(): T;
}

export interface Request {
  /** The Host header, without a port: `rel-05.localhost`. */
  readonly host?: string;
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string;
  /** Connect to a Unix socket instead of the port. */
  readonly socketPath?: string;
  /** Milliseconds of inactivity after which it fails; 30 s by default. */
  readonly timeout?: number;
}

function answer(status: number, headers: IncomingHttpHeaders, text: string): Answer {
  return {
    status,
    headers,
    text,
    json: <T>() => {
      try {
        return JSON.parse(text) as T;
      } catch {
        throw new Error(`Not JSON (status ${status}): ${text}`);
      }
    },
  };
}

/**
 * Sends one HTTP request to 127.0.0.1 on a new connection. The path is sent byte for byte as
 * given (fetch would normalise it), and redirects are not followed.
 */
export function ask(port: number, path: string, options: Request = {}): Promise<Answer> {
  const { host = "localhost", method, headers, body, socketPath, timeout = 30_000 } = options;
  const target = socketPath === undefined ? { host: "127.0.0.1", port } : { socketPath };
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        ...target,
        path,
        method: method ?? (body === undefined ? "GET" : "POST"),
        headers: { host: `${host}:${port}`, ...headers },
        timeout,
        agent: false,
      },
      (incoming) => {
        let text = "";
        incoming.setEncoding("utf8");
        incoming.on("data", (part: string) => {
          text += part;
        });
        incoming.on("end", () => resolve(answer(incoming.statusCode ?? 0, incoming.headers, text)));
        incoming.on("error", reject);
      },
    );
    outgoing.on("timeout", () => outgoing.destroy(new Error(`No answer to ${path}`)));
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}
