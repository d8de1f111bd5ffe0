import type { Layout } from "../../model/layout.ts";
import { listPids, type ProcessStat, readProc, readStat } from "../process/proc.ts";

/** A process of a service's that no runsv looks after any more. */
export interface Orphan {
  readonly pid: number;
  /** Clock ticks since boot; a number that is given again begins later (proc(5), stat). */
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
 * What services have left behind: they bear the mark of this project's runsvdir, and their parent
 * does not, as it was killed. Whatever put itself into a group of its own wanted to stay, and is
 * left out. Linux only: elsewhere the answer is none.
 */
export function findOrphans({ ikigai }: Layout): readonly Orphan[] {
  const pids = listPids();
  // A service is only lost by a process that has gone.
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
    const found = strangers.has(key) ? undefined : look(Number(name), stat, ikigai);
    if (!found) foreign.add(key);
    return found ?? [];
  });
  strangers = foreign;
  const supervised = new Set(seen.filter((one) => one.supervised).map(({ pid }) => pid));
  const services = seen.filter((one) => one.supervised && one.key !== "");
  const lost = new Set(
    services.filter((one) => !supervised.has(one.parent)).map(({ group }) => group),
  );
  return services.filter(({ group }) => lost.has(group));
}

/** Processes by number and beginning: one that does not bear the mark will not bear it later. */
let strangers: ReadonlySet<string> = new Set();

/** False when it is not that process any more. */
export function signalOrphan({ pid, started }: Orphan, signal: "SIGTERM" | "SIGKILL"): boolean {
  try {
    return readStat(pid)?.started === started && process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** Undefined for a process that is surely another's; where nothing can be read it may be in exec(2). */
function look(
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
