import type { Layout } from "../../model/layout.ts";
import { realPath } from "../fs/files.ts";
import { forgetAlias } from "../net/socket-path.ts";
import {
  DELETED,
  hasEnvironment,
  isDeleted,
  listProcesses,
  type RunningProcess,
  signal,
  waitForExit,
} from "../process/processes.ts";

const PATIENCE_MS = 15_000;

/**
 * Ends processes that still run under a renamed project's old path, which the controls would not find. Takes
 * only those whose command line has the old path and whose working directory is inside the project: the
 * kernel, not a name, proves that they are ours. Linux only.
 */
export async function stopMovedTree({ ikigai, db }: Layout, oldRoot: string): Promise<void> {
  const homes = [ikigai, realPath(db)];
  await endAll(({ cwd, command }) => {
    const inside = homes.some((home) => cwd === home || cwd.startsWith(`${home}/`));
    return inside && PROGRAMS.test(command) && command.includes(`${oldRoot}/.ikigai`);
  });
}

/**
 * Ends processes that still run after `.ikigai` was deleted, when no controls are left to do so. Linux only.
 *
 * @param data Postgres' data directory, which may still exist
 */
export async function stopDeletedTree(layout: Layout, data: string): Promise<void> {
  const { ikigai } = layout;
  forgetAlias(layout);
  const ours = (one: RunningProcess) => {
    if (isOurselves(one)) return false;
    const { cwd, command } = one;
    if (cwd === data || cwd === data + DELETED) return SERVER.test(command);
    const inside = cwd.startsWith(`${ikigai}/`) || cwd === ikigai + DELETED;
    return inside && PROGRAMS.test(command) && isDeleted(one);
  };
  if (!(await endAll(ours))) return;
  // A service's children survive it if the scripts of its supervisor are gone.
  const marked = () =>
    listProcesses().filter(
      (one) => !isOurselves(one) && hasEnvironment(one, `IKIGAI_SUPERVISED=${ikigai}`),
    );
  signal(marked(), "SIGTERM");
  await waitForExit(marked, PATIENCE_MS);
  signal(marked(), "SIGKILL");
}

/** Excludes this daemon and its own runsv, which ends with it. */
function isOurselves({ pid }: RunningProcess): boolean {
  return pid === process.pid || pid === process.ppid;
}

/** @returns whether there were any */
async function endAll(isOurs: (one: RunningProcess) => boolean): Promise<boolean> {
  const ours = () => listProcesses().filter(isOurs);
  const found = ours();
  if (found.length === 0) return false;
  // runsvdir first, or it would restart what ends.
  const supervisors = found.filter(({ command }) => SUPERVISOR.test(command));
  signal(supervisors, "SIGHUP");
  // A runsv without runsvdir ends its service on SIGTERM.
  const keepers = found.filter(({ command }) => command.startsWith("runsv "));
  if (supervisors.length === 0) signal(keepers, "SIGTERM");
  // svlogd would wait forever for its deleted directory.
  const loggers = found.filter(({ command, cwd }) => LOGGER.test(command) && cwd.endsWith(DELETED));
  signal(loggers, "SIGKILL");
  await waitForExit(
    () => ours().filter(({ command }) => !/\b(nginx|postgres)\b/.test(command)),
    PATIENCE_MS,
  );
  const left = ours();
  signal(
    left.filter(({ command }) => command.startsWith("nginx: master")),
    "SIGTERM",
  );
  signal(
    left.filter(({ command }) => SERVER.test(command)),
    "SIGINT",
  );
  await waitForExit(ours, PATIENCE_MS);
  return true;
}

const SUPERVISOR = /runsvdir/;
const LOGGER = /^\S*svlogd /;
const SERVER = /\/postgres -D /;
/** Matches our programs only, not a shell or an editor that somebody has open in the directory. */
const PROGRAMS = /runsvdir|^runsv |^nginx: master|\/postgres -D |daemon\.js|^\S*svlogd /;
