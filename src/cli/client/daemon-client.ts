import http from "node:http";
import { codeOf } from "../../host/fs/files.ts";
import { isOwnSocket } from "../../host/net/own-socket.ts";
import type { Layout } from "../../model/layout.ts";
import { UserError } from "../../model/user-error.ts";

export interface DaemonAnswer {
  readonly status: number;
  readonly text: string;
}

/** The daemon is not running, or does not answer. */
export class DaemonAway extends UserError {
  constructor() {
    super("ikigai is not running here.", "ikigai start");
  }
}

/**
 * Sends one request to the daemon. Connects by a relative path from inside `.ikigai`, because a socket
 * address holds 108 bytes (unix(7)) and the absolute path may be longer.
 *
 * @param options `timeout` in milliseconds
 * @throws DaemonAway when the daemon does not answer
 */
export function callDaemon(
  layout: Layout,
  method: "GET" | "POST",
  path: string,
  { body, timeout }: { body?: string; timeout?: number } = {},
): Promise<DaemonAnswer> {
  const before = process.cwd();
  return new Promise((resolve, reject) => {
    if (!isOwnSocket(layout.daemonSocket)) {
      reject(new DaemonAway());
      return;
    }
    try {
      process.chdir(layout.ikigai);
    } catch {
      reject(new DaemonAway());
      return;
    }
    const request = http.request(
      { socketPath: "daemon.sock", method, path, agent: false, ...(timeout ? { timeout } : {}) },
      (answer) => {
        let text = "";
        answer.setEncoding("utf8");
        answer.on("data", (chunk: string) => {
          text += chunk;
        });
        answer.on("end", () => resolve({ status: answer.statusCode ?? 500, text }));
        answer.on("error", reject);
      },
    );
    // The address has been resolved: the connection was started synchronously.
    process.chdir(before);
    request.on("timeout", () => request.destroy(new DaemonAway()));
    request.on("error", (error) => {
      const away = ["ENOENT", "ECONNREFUSED", "ECONNRESET", "EPIPE"].includes(codeOf(error) ?? "");
      reject(away ? new DaemonAway() : error);
    });
    request.end(body);
  });
}

/**
 * Sends one request and parses its JSON answer.
 *
 * @throws DaemonAway when the daemon does not answer; UserError for an error answer (status 400 and up)
 */
export async function askDaemon<T>(
  layout: Layout,
  method: "GET" | "POST",
  path: string,
  options: { body?: string; timeout?: number } = {},
): Promise<T> {
  const { status, text } = await callDaemon(layout, method, path, options);
  const value: unknown = text === "" ? {} : JSON.parse(text);
  if (status < 400) return value as T;
  const { error, next } = value as { error?: string; next?: string };
  throw new UserError(error ?? `The daemon answered ${status}.`, next);
}
