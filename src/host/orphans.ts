import type { Layout } from "../model/layout.ts";
import { listPids, readProc, readStat } from "./proc.ts";

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
export function findOrphans({ ikigai }: Layout): Orphan[] {
  const seen = listPids().flatMap((name) => look(Number(name), ikigai) ?? []);
  const supervised = new Set(seen.filter((one) => one.supervised).map(({ pid }) => pid));
  const services = seen.filter((one) => one.supervised && one.key !== "");
  const lost = new Set(
    services.filter((one) => !supervised.has(one.parent)).map(({ group }) => group),
  );
  return services.filter(({ group }) => lost.has(group));
}

/** False when it is not that process any more. */
export function signalOrphan({ pid, started }: Orphan, signal: "SIGTERM" | "SIGKILL"): boolean {
  try {
    return readStat(pid)?.started === started && process.kill(pid, signal);
  } catch {
    return false;
  }
}

function look(pid: number, ikigai: string): Seen | undefined {
  const stat = readStat(pid);
  if (!stat || stat.state === "Z") return undefined;
  const { parent, group, started } = stat;
  const environment = readProc(`${pid}/environ`).split("\0");
  const variable = (name: string) =>
    environment.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1);
  const [worktree, service] = [variable("IKIGAI_WORKTREE"), variable("IKIGAI_SERVICE")];
  const isInside = String(group) === variable("IKIGAI_GROUP");
  return {
    pid,
    parent,
    group,
    started,
    supervised: variable("IKIGAI_SUPERVISED") === ikigai,
    key: isInside && worktree && service ? `${worktree}.${service}` : "",
  };
}
