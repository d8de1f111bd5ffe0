import type { Layout } from "../../model/layout.ts";
import { listPids, type ProcessStat, readProc, readStat } from "../process/proc.ts";

/** A service's process that is no longer supervised by a runsv. */
export interface Orphan {
  readonly pid: number;
  /** Clock ticks since boot (proc(5), stat), to tell a process from a later one with the same pid. */
  readonly started: string;
  /** The service, `<worktree>.<service>`. */
  readonly key: string;
}

interface Seen extends Orphan {
  readonly parent: number;
  readonly group: number;
  readonly supervised: boolean;
}

/**
 * Finds processes that services left behind: they carry the environment mark of this project's runsvdir, but
 * their parent, having been killed, does not. Excludes processes that moved to a process group of their own,
 * since they are meant to stay. Linux only; elsewhere the result is empty.
 */
export function findOrphans({ ikigai }: Layout): readonly Orphan[] {
  const pids = listPids();
  // Orphans appear only when a process ends, so an unchanged list of pids needs no search.
  if (pids.join() === known.pids) return known.orphans;
  const orphans = search(pids, ikigai);
  known = { pids: pids.join(), orphans };
  return orphans;
}

let known: { readonly pids: string; readonly orphans: readonly Orphan[] } = {
  pids: "",
  orphans: [],
};

function search(pids: readonly string[], ikigai: string): Orphan[] {
  const foreign = new Set<string>();
  const seen = pids.flatMap((name) => {
    const stat = readStat(name);
    if (!stat || stat.state === "Z" || stat.isKernel) return [];
    const key = `${name} ${stat.started}`;
    const found = unmarked.has(key) ? undefined : inspect(Number(name), stat, ikigai);
    if (!found) foreign.add(key);
    return found ?? [];
  });
  unmarked = foreign;
  const supervised = new Set(seen.filter((one) => one.supervised).map(({ pid }) => pid));
  const services = seen.filter((one) => one.supervised && one.key !== "");
  const lost = new Set(
    services.filter((one) => !supervised.has(one.parent)).map(({ group }) => group),
  );
  return services.filter(({ group }) => lost.has(group));
}

/** Processes, by pid and start time, without our mark; a process does not acquire the mark later. */
let unmarked: ReadonlySet<string> = new Set();

/** Signals an orphan; false if the process no longer exists. */
export function signalOrphan({ pid, started }: Orphan, signal: "SIGTERM" | "SIGKILL"): boolean {
  try {
    return readStat(pid)?.started === started && process.kill(pid, signal);
  } catch {
    return false;
  }
}

/**
 * Reads a process; undefined if it certainly is not ours. An unreadable environment proves nothing, because
 * the process may be in exec(2).
 */
function inspect(
  pid: number,
  { parent, group, started }: ProcessStat,
  ikigai: string,
): Seen | undefined {
  const text = readProc(`${pid}/environ`);
  const environment = text.split("\0");
  const variable = (name: string) =>
    environment.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1);
  const [worktree, service] = [variable("IKIGAI_WORKTREE"), variable("IKIGAI_SERVICE")];
  const isInside = String(group) === variable("IKIGAI_GROUP");
  const supervised = variable("IKIGAI_SUPERVISED") === ikigai;
  if (text !== "" && !supervised) return undefined;
  return {
    pid,
    parent,
    group,
    started,
    supervised,
    key: isInside && worktree && service ? `${worktree}.${service}` : "",
  };
}
