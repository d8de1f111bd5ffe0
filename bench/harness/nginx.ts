import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { reservePort } from "../../test/support/ports.ts";
import { until } from "./programs.ts";
import type { BenchProject } from "./project.ts";

/** A separate nginx, configured as by hand, in front of the same backend and files. */
export interface PlainNginx {
  readonly port: number;
  end(): Promise<void>;
}

/** One fixed upstream with keep-alive; responses below `/streamed/` are not buffered. */
export async function startPlainNginx(
  directory: string,
  project: BenchProject,
  { socket, documents }: { readonly socket: string; readonly documents: string },
): Promise<PlainNginx> {
  const reserved = await reservePort();
  const text = `worker_processes auto;
pid ${directory}/nginx.pid;
error_log ${directory}/error.log;
${process.getuid?.() === 0 ? "user root;" : ""}
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on;
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  types { text/html html; }
  upstream backend { server unix:${socket}; keepalive 32; }
  server {
    listen 127.0.0.1:${reserved.port};
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $host;
    location /api/ { proxy_pass http://backend; }
    location /streamed/ { proxy_pass http://backend/api/; proxy_buffering off; }
    location / { root ${documents}; }
  }
}
`;
  writeFileSync(`${directory}/nginx.conf`, text);
  const args = ["-p", directory, "-c", `${directory}/nginx.conf`, "-g", "daemon off;"];
  const child = spawn("nginx", args, { env: project.env, stdio: "ignore" });
  const port = reserved.port;
  await until("nginx to answer", () => answers(`http://127.0.0.1:${port}/`), { seconds: 10 });
  return {
    port,
    async end() {
      const ended = new Promise((resolve) => child.once("close", resolve));
      child.kill("SIGTERM");
      await ended;
      reserved.release();
    },
  };
}

async function answers(address: string): Promise<boolean> {
  return (await fetch(address).catch(() => undefined)) !== undefined;
}

/** What wrk(1) reports. */
export interface Load {
  readonly perSecond: number;
  readonly requests: number;
  /** Responses other than 2xx and 3xx, and broken connections. */
  readonly lost: number;
}

export interface Running {
  readonly child: ChildProcess;
  readonly done: Promise<Load>;
}

export function load(address: string, seconds: number, connections = 16): Running {
  const args = ["-t1", `-c${connections}`, `-d${seconds}s`, "--timeout", "20s", address];
  const child = spawn("wrk", args, { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk) => {
    text += chunk;
  });
  const done = new Promise<Load>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", () => resolve(read(text)));
  });
  return { child, done };
}

function read(text: string): Load {
  const number = (pattern: RegExp) => Number(pattern.exec(text)?.[1] ?? 0);
  const broken = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text);
  const errors = (broken ?? []).slice(1).reduce((sum, count) => sum + Number(count), 0);
  return {
    perSecond: number(/Requests\/sec:\s+([\d.]+)/),
    requests: number(/(\d+) requests in/),
    lost: errors + number(/Non-2xx or 3xx responses: (\d+)/),
  };
}
