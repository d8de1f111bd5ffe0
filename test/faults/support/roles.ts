import { type Process, processesOf, readProcess } from "./processes.ts";

/** The processes of a project, by function. */
export interface Cast {
  readonly runsvdir: Process[];
  readonly runsv: Process[];
  readonly daemon: Process[];
  readonly nginxMaster: Process[];
  readonly nginxWorkers: Process[];
  readonly postmaster: Process[];
  readonly postgresBackends: Process[];
  readonly svlogd: Process[];
  /** The processes of each service, `worktree.service` → those that lead a group. */
  readonly services: ReadonlyMap<string, Process[]>;
  readonly all: Process[];
}

/** @param data Postgres' data directory, the working directory of its processes. */
export function castOf(root: string, data: string): Cast {
  const all = processesOf(root);
  const by = (test: (one: Process) => boolean) => all.filter(test);
  const postgres = data.startsWith(`${root}/`) ? all : [...all, ...processesOf(data)];
  const postmaster = unique(postgres.filter(({ line }) => line.includes(`/postgres -D ${data} `)));
  const services = new Map<string, Process[]>();
  for (const one of all) {
    const worktree = /^IKIGAI_WORKTREE=(.*)$/m.exec(one.environment)?.[1];
    const service = /^IKIGAI_SERVICE=(.*)$/m.exec(one.environment)?.[1];
    if (!worktree || !service || one.group !== one.pid) continue;
    const key = `${worktree}.${service}`;
    services.set(key, [...(services.get(key) ?? []), one]);
  }
  const master = by(({ line }) => line.startsWith("nginx: master"));
  return {
    all: unique([...all, ...postgres]),
    runsvdir: by(({ line }) => line.includes(`runsvdir -P ${root}/.ikigai/sv`)),
    runsv: by(({ line }) => line.startsWith("runsv ")),
    daemon: by(({ line }) => /\bnode\b.*\bdaemon\.js /.test(line)),
    nginxMaster: master,
    nginxWorkers: by(({ line }) => line.startsWith("nginx: worker")),
    postmaster,
    postgresBackends: unique(
      postgres.filter(({ line }) => /^postgres: \w+ ikigai (?:127|\[local)/.test(line)),
    ),
    svlogd: by(({ line }) => line.includes("svlogd ")),
    services,
  };
}

/**
 * Lists processes without a living ancestor of the project. A server whose runsv was killed is watched
 * by the next run script, and so is no orphan.
 */
export function orphansOf(cast: Cast): Process[] {
  const watched = (name: string) =>
    cast.all.some(
      (one) =>
        one.line.endsWith("sh ./run") &&
        one.cwd.endsWith(`/sv/${name}`) &&
        cast.runsv.some(({ pid }) => pid === one.parent),
    );
  const roots = new Set(
    [
      ...cast.runsvdir,
      ...(watched("nginx") ? cast.nginxMaster : []),
      ...(watched("postgres") ? cast.postmaster : []),
    ].map(({ pid }) => pid),
  );
  return cast.all.filter((one) => {
    for (let at: Process | undefined = one; at && at.pid > 1; at = readProcess(at.parent)) {
      if (roots.has(at.pid)) return false;
    }
    return readProcess(one.pid)?.started === one.started;
  });
}

function unique(list: Process[]): Process[] {
  return [...new Map(list.map((one) => [one.pid, one])).values()];
}
