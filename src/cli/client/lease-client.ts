import http from "node:http";
import { codeOf } from "../../host/fs/files.ts";
import { isOwnSocket } from "../../host/net/own-socket.ts";
import type { Layout } from "../../model/layout.ts";
import { UserError } from "../../model/user-error.ts";
import { DaemonAway } from "./daemon-client.ts";

interface LeaseAnswer {
  readonly error?: string;
  readonly next?: string;
  readonly results?: readonly {
    readonly service: string;
    readonly result: { readonly awake: boolean; readonly why?: string; readonly next?: string };
  }[];
}

/**
 * Keeps the services of a worktree running until the returned function is called or this process ends,
 * however it ends. Takes the lease again when the daemon was restarted.
 *
 * @throws DaemonAway when the daemon does not answer; UserError when a service does not start
 */
export async function takeLease(layout: Layout, target: string, cwd: string): Promise<() => void> {
  let over = false;
  let connection = await connect(layout, target, cwd);
  const hold = (request: http.ClientRequest) =>
    request.once("close", async () => {
      while (!over) {
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS).unref());
        if (over) return;
        try {
          connection = hold(await connect(layout, target, cwd));
          if (over) connection.destroy();
          return;
        } catch {
          // The daemon is not back yet, or a service failed: retry; the command continues.
        }
      }
    });
  hold(connection);
  return () => {
    over = true;
    connection.destroy();
  };
}

const AGAIN_MS = 200;

/** Requests a lease; resolves when the services are running, with the connection that holds it. */
function connect(layout: Layout, target: string, cwd: string): Promise<http.ClientRequest> {
  return new Promise((resolve, reject) => {
    if (!isOwnSocket(layout.daemonSocket)) {
      reject(new DaemonAway());
      return;
    }
    const before = process.cwd();
    // A relative path, because a socket address holds 108 bytes (unix(7)).
    process.chdir(layout.ikigai);
    const request = http.request({
      socketPath: "daemon.sock",
      method: "POST",
      path: `/v1/lease?${new URLSearchParams({ of: target, cwd })}`,
      agent: false,
    });
    process.chdir(before);
    request.on("error", (error) => {
      const away = ["ENOENT", "ECONNREFUSED", "ECONNRESET", "EPIPE"].includes(codeOf(error) ?? "");
      reject(away ? new DaemonAway() : error);
    });
    request.once("response", (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
        if (!text.endsWith("\n")) return;
        const problem = problemOf(JSON.parse(text));
        if (!problem) return resolve(request);
        reject(problem);
        request.destroy();
      });
      answer.on("error", () => {});
    });
    request.end();
  });
}

function problemOf({ error, next, results = [] }: LeaseAnswer): UserError | undefined {
  if (error !== undefined) return new UserError(error, next);
  const failed = results.find(({ result }) => !result.awake);
  if (!failed) return undefined;
  const { service, result } = failed;
  return new UserError(`${service} did not start: ${result.why}.`, result.next);
}
