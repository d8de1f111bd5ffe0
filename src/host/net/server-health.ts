import http from "node:http";
import { execa } from "execa";
import type { Layout } from "../../model/layout.ts";
import { readIfThere } from "../fs/files.ts";

/** Checks a server with a request that only it can answer; returns what is wrong, or undefined. */
export type HealthCheck = (layout: Layout) => Promise<string | undefined>;

/** Time limit for a healthy server: long enough for a busy machine, short enough for a user. */
const PATIENCE_S = 5;

/** Queries a row from Postgres as the owner, on a new connection. */
export const checkPostgres: HealthCheck = async ({ bin, root }) => {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(PG|DATABASE_URL$|IKIGAI_)/.test(name),
  );
  const result = await execa(`${bin}/psql`, ["-XAtqw", "-c", "SELECT 1"], {
    cwd: root,
    env: {
      ...Object.fromEntries(kept),
      PGUSER: "ikigai",
      PGCONNECT_TIMEOUT: String(PATIENCE_S),
    },
    extendEnv: false,
    reject: false,
    stdin: "ignore",
    // A server that has accepted the login may still hang.
    timeout: PATIENCE_S * 2_000,
  });
  if (result.exitCode === 0 && result.stdout === "1") return undefined;
  if (result.timedOut) return silent(PATIENCE_S * 2);
  const [line = ""] = (result.stderr || `psql ended with ${result.exitCode}`).split("\n");
  return line.replace(/^psql: (error: )?/, "");
};

/** Requests nginx's page for unknown hosts, which involves no service and no file. */
export const checkNginx: HealthCheck = (layout) => {
  const conf = readIfThere(layout.nginxConf)?.toString() ?? "";
  const port = Number(/^\s*listen 127\.0\.0\.1:(\d+)/m.exec(conf)?.[1]);
  if (!port) return Promise.resolve(`${layout.nginxConf} names no port`);
  return new Promise((resolve) => {
    const request = http.get(
      {
        host: "127.0.0.1",
        port,
        path: "/",
        headers: { host: "ikigai.invalid" },
        agent: false,
        signal: AbortSignal.timeout(PATIENCE_S * 1_000),
      },
      (answer) => {
        answer.resume();
        const isOurs = answer.statusCode === 403;
        resolve(isOurs ? undefined : `port ${port} answers with ${answer.statusCode}`);
      },
    );
    request.once("error", (error) => {
      resolve(
        error.name === "AbortError" || error.name === "TimeoutError"
          ? silent(PATIENCE_S)
          : error.message,
      );
    });
  });
};

function silent(seconds: number): string {
  return `no answer within ${seconds} s`;
}
