import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { mkdir, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { endAll, processesOf } from "../../scripts/processes.js";
import { choosePostgresAccount } from "../../src/host/postgres/os-account.ts";
import { prepareOwner } from "../../src/host/postgres/owner.ts";
import { findPrograms } from "../../src/host/programs/find.ts";
import { installControls } from "../../src/host/project/controls.ts";
import { makeDirectories } from "../../src/host/project/directories.ts";
import { writeShellSettings } from "../../src/host/project/shell-settings.ts";
import { type Layout, layoutOf } from "../../src/model/layout.ts";
import { type Account, giveTo, identityOf, ourselves } from "../support/as-user.ts";
import { reservePort } from "../support/ports.ts";

export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A temporary `.ikigai` with the real controls, a small nginx.conf and a small daemon. */
export interface Controls extends AsyncDisposable {
  readonly layout: Layout;
  /** The directory with the login of the database's owner. */
  readonly login: string;
  readonly httpPort: number;
  readonly postgresPort: number;
  readonly env: NodeJS.ProcessEnv;
  readonly account: Account;
  /** Runs a control of `.ikigai/bin`, from the project's root by default. Never throws. */
  run(control: string, args?: readonly string[], options?: RunOptions): Promise<Outcome>;
  /** Returns the pids of the running servers and runsvdir, identified by their command lines. */
  running(): Promise<{ nginx: number[]; postgres: number[]; runsvdir: number[] }>;
  /** Returns pid and command line of this project's processes that are left after so many milliseconds. */
  everything(patience?: number): Promise<string[]>;
  dispose(): Promise<void>;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly timeout?: number;
  readonly input?: string;
}

export interface ControlsOptions {
  readonly account?: Account;
  /** The project directory's own name. */
  readonly name?: string;
  /** Whether a directory above is accessible to its owner only, as root's home is. */
  readonly closed?: boolean;
  readonly ownerOverTcp?: boolean;
  /** False for a project without a daemon. */
  readonly daemon?: boolean;
}

const source = fileURLToPath(new URL("../../controls", import.meta.url));
const daemon = fileURLToPath(new URL("daemon.js", import.meta.url));

export async function makeControls(options: ControlsOptions = {}): Promise<Controls> {
  const { account = ourselves, name = "project" } = options;
  const base = await realpath(await mkdtemp(join(tmpdir(), "iki-")));
  chmodSync(base, options.closed ? 0o700 : 0o755);
  const root = join(base, name);
  await mkdir(root);
  const layout = layoutOf(root);
  const [http, postgres] = [await reservePort(), await reservePort()];
  const unprivileged = account.uid !== 0;
  const owner = unprivileged ? { user: "", data: "" } : await choosePostgresAccount(layout);
  makeDirectories(layout, owner);
  installControls(source, layout);
  const login = join(base, "login");
  await prepareOwner(login, "it's a $ecret: \\");
  writeShellSettings(layout, {
    ...findPrograms(),
    node: process.execPath,
    cli: join(base, "cli.cjs"),
    daemon: options.daemon === false ? "" : join(base, "daemon.js"),
    httpPort: http.port,
    postgresPort: postgres.port,
    postgresUser: owner.user,
    postgresData: owner.data,
    postgresOwner: login,
    ownerOverTcp: options.ownerOverTcp ?? false,
    path: process.env.PATH ?? "",
    denoVersion: "2.9.6",
  });
  writeFileSync(layout.nginxConf, nginxConf(layout, http.port, unprivileged));
  writeFileSync(join(base, "daemon.js"), readFileSync(daemon));
  writeFileSync(join(base, "package.json"), '{"type":"module"}');
  await mkdir(join(base, "home"));
  if (account.uid !== ourselves.uid) await giveTo(account, base);

  const env = environment(base, account.uid);
  const identity = identityOf(account);
  const run: Controls["run"] = async (
    control,
    args = [],
    { cwd, env: extra, timeout = 60_000, input } = {},
  ) => {
    const program = control.includes("/") ? control : join(layout.bin, control);
    const result = await execa(program, args, {
      ...identity,
      cwd: cwd ?? root,
      env: { ...env, ...extra },
      extendEnv: false,
      reject: false,
      timeout,
      ...(input === undefined ? { stdin: "ignore" } : { input }),
    });
    const stderr = result.exitCode === undefined ? result.message : result.stderr;
    return { exitCode: result.exitCode ?? 127, stdout: result.stdout, stderr: stderr ?? "" };
  };
  const running: Controls["running"] = async () => {
    const found = await processesOf([layout.ikigai]);
    const pids = (test: (title: string) => boolean) =>
      found.filter(({ title }) => test(title.replace(/^\d+ /, ""))).map(({ pid }) => pid);
    const masters = pids((title) => title.startsWith("nginx: master"));
    return {
      // A worker that has just started still has its master's title.
      nginx: masters.filter((pid) => !masters.includes(parentOf(pid) ?? 0)),
      postgres: pids((title) => /^\S*\/postgres -D /.test(title)),
      runsvdir: pids((title) => /^\S*runsvdir -P /.test(title)),
    };
  };
  const dispose = async () => {
    for (const control of ["runsvdir", "nginx", "pg_ctl"]) await run(control, ["stop"]);
    await endAll(await processesOf([base]));
    if (owner.data !== "") await rm(dirname(owner.data), { recursive: true, force: true });
    await rm(base, { recursive: true, force: true, maxRetries: 5 });
    http.release();
    postgres.release();
  };
  return {
    layout,
    login,
    httpPort: http.port,
    postgresPort: postgres.port,
    env,
    account,
    run,
    running,
    everything: async (patience = 5_000) =>
      (await processesOf([layout.ikigai], { patience })).map(({ title }) => title),
    dispose,
    [Symbol.asyncDispose]: dispose,
  };
}

/** The environment without this machine's git, Postgres or direnv. */
function environment(base: string, uid: number): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([key]) =>
      !/^(GIT_|PG|IKIGAI|DIRENV|npm_|VITEST|NODE_ENV$|NODE_OPTIONS$|SVDIR$|DATABASE_URL$)/.test(
        key,
      ),
  );
  return {
    ...Object.fromEntries(kept),
    HOME: join(base, "home"),
    // Packages and the template cluster are fetched once for all tests, not once for each throwaway home.
    npm_config_cache: join(tmpdir(), `iki-npm-${uid}`),
    XDG_CACHE_HOME: join(tmpdir(), `iki-cache-${uid}`),
  };
}

function nginxConf({ ikigai }: Layout, port: number, unprivileged: boolean): string {
  const quoted = `"${ikigai.replace(/["\\]/g, "\\$&")}"`;
  return `${unprivileged ? "" : "user root;\n"}worker_processes 1;
working_directory ${quoted};
pid pid/nginx.pid;
error_log ../logs/nginx.log error;
events {}
http {
  client_body_temp_path ../run/nginx/body;
  proxy_temp_path ../run/nginx/proxy;
  fastcgi_temp_path ../run/nginx/fastcgi;
  uwsgi_temp_path ../run/nginx/uwsgi;
  scgi_temp_path ../run/nginx/scgi;
  access_log off;
  server {
    listen 127.0.0.1:${port};
    return 200 "here\\n";
  }
}
`;
}

function parentOf(pid: number): number | undefined {
  try {
    return Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
  } catch {
    return undefined;
  }
}

/** Whether a `down` file says that a service should not run. */
export function unwanted({ sv }: Layout, service: string): boolean {
  return existsSync(join(sv, service, "down"));
}
