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
 * Ends what still runs since before a project was renamed: the controls look for
 * processes under the new name and would not find it. Only those whose command
 * line has the old name and whose directory is inside the project here: the
 * kernel, not a name, says that they are ours. Linux only.
 */
export async function stopMovedTree({ ikigai, db }: Layout, oldRoot: string): Promise<void> {
  const homes = [ikigai, realPath(db)];
  await endAll(({ cwd, command }) => {
    const inside = homes.some((home) => cwd === home || cwd.startsWith(`${home}/`));
    return inside && PROGRAMS.test(command) && command.includes(`${oldRoot}/.ikigai`);
  });
}

/**
 * Ends what still runs although `.ikigai` was deleted: no control is left that could. Linux only.
 *
 * @param data where Postgres worked, which may still be there
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
  // A service's own children outlive it where its reconciler's scripts are gone.
  const marked = () =>
    listProcesses().filter(
      (one) => !isOurselves(one) && hasEnvironment(one, `IKIGAI_SUPERVISED=${ikigai}`),
    );
  signal(marked(), "SIGTERM");
  await waitForExit(marked, PATIENCE_MS);
  signal(marked(), "SIGKILL");
}

/** Our own reconciler goes when we do. */
function isOurselves({ pid }: RunningProcess): boolean {
  return pid === process.pid || pid === process.ppid;
}

/** @returns whether there was anything */
async function endAll(isOurs: (one: RunningProcess) => boolean): Promise<boolean> {
  const ours = () => listProcesses().filter(isOurs);
  const found = ours();
  if (found.length === 0) return false;
  // The supervisor first, or it would start again what ends.
  const supervisors = found.filter(({ command }) => SUPERVISOR.test(command));
  signal(supervisors, "SIGHUP");
  // One that has lost its supervisor ends its service when it is asked itself.
  const keepers = found.filter(({ command }) => command.startsWith("runsv "));
  if (supervisors.length === 0) signal(keepers, "SIGTERM");
  // It would wait for a directory to write to, for ever.
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
/** A shell or an editor that somebody has open in there is none of these. */
const PROGRAMS = /runsvdir|^runsv |^nginx: master|\/postgres -D |daemon\.js|^\S*svlogd /;
