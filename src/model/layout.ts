/**
 * The paths of a project's files, computed from its root without looking at the file system.
 */
export interface Layout {
  /** The directory that contains `.ikigai/`. */
  readonly root: string;
  readonly ikigai: string;
  /** The socket of the API, HTTP with JSON; also used by git's hook. */
  readonly daemonSocket: string;
  /** The socket of the gate, which nginx asks when a service does not answer. */
  readonly gateSocket: string;
  readonly bin: string;
  readonly scripts: string;
  /** Shell assignments that every script of `bin/`, `scripts/` and `sv/` reads. */
  readonly settings: string;
  readonly db: string;
  readonly deno: string;
  readonly httpd: string;
  readonly nginxConf: string;
  readonly nginxPid: string;
  /** Document roots: `<worktree>/frontend` or `<worktree>/<service>`, links to frontends. */
  readonly documents: string;
  readonly logs: string;
  readonly run: string;
  /** Per-worktree environment files, `<slug>.sh`. */
  readonly environments: string;
  /** `<worktree>/<service>.sock`. */
  readonly sockets: string;
  readonly sv: string;
}

export function layoutOf(root: string): Layout {
  const ikigai = `${root === "/" ? "" : root}/.ikigai`;
  return {
    root,
    ikigai,
    daemonSocket: `${ikigai}/daemon.sock`,
    gateSocket: `${ikigai}/run/gate.sock`,
    bin: `${ikigai}/bin`,
    scripts: `${ikigai}/scripts`,
    settings: `${ikigai}/scripts/settings`,
    db: `${ikigai}/db`,
    deno: `${ikigai}/deno`,
    httpd: `${ikigai}/httpd`,
    nginxConf: `${ikigai}/httpd/nginx.conf`,
    nginxPid: `${ikigai}/httpd/pid/nginx.pid`,
    documents: `${ikigai}/httpd/root`,
    logs: `${ikigai}/logs`,
    run: `${ikigai}/run`,
    environments: `${ikigai}/run/env`,
    sockets: `${ikigai}/run/sockets`,
    sv: `${ikigai}/sv`,
  };
}
