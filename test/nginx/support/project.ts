import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { type Layout, layoutOf } from "../../../src/model/layout.ts";
import { type NginxSettings, nginxConf } from "../../../src/model/nginx/conf.ts";
import { type PortEntry, portsMap } from "../../../src/model/ports-map.ts";

/** A temporary project with a real nginx in front. */
export interface Project extends AsyncDisposable {
  readonly layout: Layout;
  readonly port: number;
  readonly origin: string;
  /** Adds a worktree's directories; `makeDefault` chooses the default one. */
  addWorktree(slug: string): void;
  makeDefault(slug: string): void;
  /** Links a frontend with `files` into the documents; returns the files' directory. */
  addFrontend(worktree: string, name: string, files: Record<string, string | Buffer>): string;
  /** Returns a short path to a service's socket: a program cannot bind more than 108 bytes. */
  socketOf(worktree: string, service: string): string;
  readonly gateSocket: string;
  /** What is disposed of with the project, in reverse order. */
  defer(cleanup: () => unknown): void;
  errors(): string;
  /** Signals the master; settles when a new worker serves. */
  reload(): Promise<void>;
}

export interface ProjectOptions {
  /** The project directory's own name. */
  readonly name?: string;
  readonly ports?: readonly PortEntry[];
  readonly defaultWorktree?: string;
  /** The account that owns everything and runs nginx, instead of the tests' own. */
  readonly uid?: number;
  readonly settings?: Partial<NginxSettings>;
  /** Changes the configuration, for instance to shorten timeouts. */
  readonly edit?: (conf: string) => string;
}

export async function startProject(options: ProjectOptions = {}): Promise<Project> {
  const { edit = (conf) => conf } = options;
  const temporary = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "iki-")));
  const root = path.join(temporary, options.name ?? "project");
  const layout = layoutOf(root);
  const port = await freePort();
  const cleanups: (() => unknown)[] = [
    () => fs.rmSync(temporary, { recursive: true, force: true }),
  ];
  const trees = ["pid", "root"].map((name) => `${layout.httpd}/${name}`);
  const states = ["nginx", "sockets", "traffic"].map((name) => `${layout.run}/${name}`);
  for (const directory of [...trees, ...states, layout.logs]) {
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
  }
  fs.symlinkSync(layout.run, `${temporary}/run`);
  fs.writeFileSync(
    `${layout.run}/ports.map`,
    portsMap(options.ports ?? [], options.defaultWorktree),
  );
  const user = process.getuid?.() === 0 && options.uid === undefined ? { user: "root" } : {};
  fs.writeFileSync(
    layout.nginxConf,
    edit(nginxConf({ layout, httpPort: port, ipv6: hasIpv6(), ...user, ...options.settings })),
  );
  if (options.uid !== undefined) giveAway(temporary, options.uid);
  const nginx = await startNginx(layout, port, options.uid);
  cleanups.push(() => stopNginx(nginx));

  return {
    layout,
    port,
    origin: `http://localhost:${port}`,
    addWorktree(slug) {
      fs.mkdirSync(`${layout.documents}/${slug}`);
      fs.mkdirSync(`${layout.sockets}/${slug}`);
    },
    makeDefault(slug) {
      for (const directory of [layout.documents, layout.sockets]) {
        fs.rmSync(`${directory}/.default`, { force: true });
        fs.symlinkSync(slug, `${directory}/.default`);
      }
    },
    addFrontend(worktree, name, files) {
      const directory = `${root}/${worktree}/${name === "frontend" ? "" : `${name}/`}frontend`;
      for (const [file, content] of Object.entries(files)) {
        fs.mkdirSync(path.dirname(`${directory}/${file}`), { recursive: true });
        fs.writeFileSync(`${directory}/${file}`, content);
      }
      fs.symlinkSync(directory, `${layout.documents}/${worktree}/${name}`);
      return directory;
    },
    socketOf: (worktree, service) => `${temporary}/run/sockets/${worktree}/${service}.sock`,
    gateSocket: `${temporary}/run/gate.sock`,
    defer: (cleanup) => void cleanups.push(cleanup),
    async reload() {
      const before = workersOf(nginx);
      nginx.kill("SIGHUP");
      await until(() => workersOf(nginx).some((pid) => !before.includes(pid)));
    },
    errors: () => fs.readFileSync(`${layout.logs}/nginx.log`, "utf8"),
    async [Symbol.asyncDispose]() {
      for (const cleanup of cleanups.reverse()) await cleanup();
    },
  };
}

function giveAway(directory: string, uid: number): void {
  const inside = fs.readdirSync(directory, { recursive: true, encoding: "utf8" });
  for (const name of ["", ...inside]) fs.lchownSync(path.join(directory, name), uid, uid);
}

async function startNginx(layout: Layout, port: number, uid?: number): Promise<ChildProcess> {
  const output: Buffer[] = [];
  const nginx = spawn(
    process.env.NGINX ?? "nginx",
    ["-p", `${layout.httpd}/`, "-c", "nginx.conf", "-e", "stderr", "-g", "daemon off;"],
    {
      cwd: os.tmpdir(),
      stdio: ["ignore", "pipe", "pipe"],
      ...(uid === undefined ? {} : { uid, gid: uid }),
    },
  );
  for (const stream of [nginx.stdout, nginx.stderr]) stream.on("data", (data) => output.push(data));
  await until(async () => {
    if (nginx.exitCode !== null) throw new Error(`nginx ended: ${Buffer.concat(output)}`);
    // Another nginx may have taken the port meanwhile; the pid file is written once it is ours.
    return isWritten(layout.nginxPid, `${nginx.pid}\n`) && (await answers(port));
  });
  return nginx;
}

/** Lists child processes, from `/proc/<pid>/task/<pid>/children` (proc(5)). */
function workersOf({ pid }: ChildProcess): string[] {
  return fs.readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
}

async function stopNginx(nginx: ChildProcess): Promise<void> {
  if (nginx.exitCode !== null || nginx.signalCode !== null) return;
  const ended = once(nginx, "exit");
  nginx.kill("SIGTERM");
  await ended;
}

/** Polls until the condition holds; throws after ten seconds. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`never came true: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function isWritten(file: string, content: string): boolean {
  return fs.existsSync(file) && fs.readFileSync(file, "utf8") === content;
}

/** The master listens before it handles signals; only a worker answers. The path does not reach the gate. */
function answers(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/a.file`).then(
    () => true,
    () => false,
  );
}

export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

function hasIpv6(): boolean {
  return Object.values(os.networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => address === "::1"),
  );
}
