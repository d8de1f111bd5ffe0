import http from "node:http";
import { execa } from "execa";
import type { Layout } from "../../model/layout.ts";
import { readIfThere } from "../fs/files.ts";

/** Asks a server for something that it alone can answer; says why it does not, or nothing where it does. */
export type HealthCheck = (layout: Layout) => Promise<string | undefined>;

/** How long a server may take that is well; long for a busy machine, short for a person. */
const PATIENCE_S = 5;

/** Asks Postgres for a row, on a new connection, as the owner. */
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
    // A server that has let us in may hang as well.
    timeout: PATIENCE_S * 2_000,
  });
  if (result.exitCode === 0 && result.stdout === "1") return undefined;
  if (result.timedOut) return silent(PATIENCE_S * 2);
  const [line = ""] = (result.stderr || `psql ended with ${result.exitCode}`).split("\n");
  return line.replace(/^psql: (error: )?/, "");
};

/** Asks nginx for the page that it has for hosts that are nobody's: no service and no file takes part in it. */
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
