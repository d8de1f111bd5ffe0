/**
 * Where everything of a project lies. Pure: a layout is computed from the
 * project's root and nothing is looked up.
 */
export interface Layout {
  /** The directory that holds `.ikigai/`. */
  readonly root: string;
  readonly ikigai: string;
  /** HTTP + JSON for people, agents and the hook. */
  readonly daemonSocket: string;
  /** What nginx asks when a service does not answer; offers nothing else. */
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
