import { setMaxListeners } from "node:events";
import fs from "node:fs";
import { fileURLToPath } from "node:url";
import { AbsenceGrace } from "../discovery/absence-grace.ts";
import type { FactSources } from "../discovery/facts.ts";
import { isInOperation } from "../discovery/git-operation.ts";
import { loadSettings, readSettings } from "../discovery/open-project.ts";
import { findProject } from "../discovery/project.ts";
import { WorktreeReader } from "../discovery/worktrees.ts";
import { statIfThere, toBuffer } from "../host/fs/files.ts";
import { sweepTemporaries } from "../host/fs/temporary-files.ts";
import { relocateWorktrees } from "../host/git/moved-worktrees.ts";
import { DaemonSockets } from "../host/net/daemon-sockets.ts";
import { isOwnSocket } from "../host/net/own-socket.ts";
import { PortAllocator } from "../host/net/port-allocator.ts";
import { ownerSocketDirectory, socketPaths } from "../host/net/socket-path.ts";
import { DefaultPointer } from "../host/nginx/default-pointer.ts";
import { KeptConnections } from "../host/nginx/keepalive-slots.ts";
import { reloadNginx } from "../host/nginx/reload.ts";
import { BranchProgress } from "../host/postgres/branch-progress.ts";
import { Postgres } from "../host/postgres/client.ts";
import { linkedData } from "../host/postgres/data-directory.ts";
import { ownerDirectory, readOwnerPassword } from "../host/postgres/owner.ts";
import { readRolePasswords } from "../host/postgres/role-passwords.ts";
import { collectGarbageWhenIdle } from "../host/process/idle-gc.ts";
import { restoreControls } from "../host/project/control-repair.ts";
import { detectRelocation, recordLocation, recordPendingMove } from "../host/project/location.ts";
import { programDigest } from "../host/project/package-file.ts";
import { Definitions } from "../host/runit/definitions.ts";
import { ServiceDirectories } from "../host/runit/service-directories.ts";
import { stopDeletedTree } from "../host/runit/stale-tree.ts";
import { logErrors, setCoalescedInterval } from "../host/timers/interval.ts";
import { projectIdentity } from "../host/trust/approvals.ts";
import { problemLine } from "../model/configuration/problems.ts";
import { PendingBranchOptions } from "../resources/state/branch-options.ts";
import { RequestedWorktrees } from "../resources/state/requested-worktrees.ts";
import { Warnings } from "../resources/state/warnings.ts";
import type { StepContext } from "../resources/step-context.ts";
import { VERSION } from "../version.ts";
import { apiOf } from "./api/routes.ts";
import { socketServer } from "./api/server.ts";
import { gateServer } from "./gate/server.ts";
import { rotateLogs } from "./jobs/log-rotation.ts";
import { reapOrphans } from "./jobs/orphan-reaper.ts";
import { keepReserves } from "./jobs/reserve.ts";
import { enforceRetention } from "./jobs/retention.ts";
import { watchSupervisor } from "./jobs/supervisor-watchdog.ts";
import { guardControls } from "./jobs/tamper-guard.ts";
import { Reconciler } from "./reconciler/reconciler.ts";
import { settingsErrorLog } from "./reconciler/settings-error-log.ts";
import { watchGitDirectory } from "./watch/git-directory.ts";
import { keepHooksInstalled } from "./watch/git-hook.ts";
import { pollForChanges } from "./watch/poll.ts";
import { isBeingDeleted, watchProjectLocation } from "./watch/project-location.ts";
import { SettingsWatch } from "./watch/settings-files.ts";

/** Runs the daemon: connects the watches, the API and the jobs with the reconciler. */
async function main(root: string | undefined): Promise<void> {
  const project = root === undefined ? undefined : findProject(root);
  if (!project) throw new Error(`No project at ${root ?? "(no directory given)"}.`);
  process.umask(0o077);
  const { layout, commonDir } = project;
  const journal = (line: string) => console.log(line);
  const program = programDigest(fileURLToPath(import.meta.url));
  const arrival = detectRelocation(layout);
  // git's files still contain the old path, so every worktree would seem to be missing.
  if ("from" in arrival) relocateWorktrees(commonDir, arrival.from.root, layout.root);
  if (arrival.kind === "moved") recordPendingMove(layout, arrival.from);
  sweepTemporaries(layout, commonDir);
  const settings = await readSettings(project, { keeps: true });
  const { http, postgres } = settings.project;
  const secret = readRolePasswords(layout);
  const identity = projectIdentity(commonDir);
  const data = linkedData(layout);
  const ending = new AbortController();
  // Every running setup command adds a listener.
  setMaxListeners(0, ending.signal);
  let end = async (): Promise<void> => process.exit(0);
  const stop = () => {
    ending.abort();
    void end();
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  const kept = new KeptConnections(layout);
  const socketPath = socketPaths(layout);
  const pointer = new DefaultPointer(layout, kept, socketPath, ending.signal);
  const host: StepContext = {
    layout,
    postgres: new Postgres({
      host: ownerSocketDirectory(layout, postgres.port),
      port: postgres.port,
      password: () => readOwnerPassword(ownerDirectory(identity)),
      data: layout.db,
    }),
    ports: new PortAllocator(layout, () => reloadNginx(layout)),
    serviceDirectories: new ServiceDirectories(
      layout,
      undefined,
      () => void restoreControls(layout, identity, "changed"),
    ),
    definitions: new Definitions(layout),
    branchProgress: new BranchProgress(layout, journal),
    branchOptions: new PendingBranchOptions(),
    requested: new RequestedWorktrees(layout),
    warnings: new Warnings(),
    kept,
    pointer,
    ending: ending.signal,
    socketPath,
  };
  const gathering = (): FactSources => ({
    layout,
    commonDir,
    reader,
    httpPort: http.port,
    postgresPort: postgres.port,
    defaultWorktree: settings.project.worktrees.default,
    settingsOf: (worktree) => settings.of(worktree.path),
    trustIdentity: identity,
    passwordOf: (worktree) => secret.passwordFor(worktree.slug, worktree.identity),
    secretId: secret.id,
    hasPort: (worktree, service) => host.ports.get(`${worktree}/${service}`) !== undefined,
    away,
    copied,
  });
  const tellMistakes = settingsErrorLog((line) => console.log(line));
  const reader = new WorktreeReader(commonDir);
  const away = new AbsenceGrace();
  let copied = arrival.kind === "copied";
  const reconciler = new Reconciler(
    gathering,
    host,
    journal,
    () => settings.project.limits,
    ({ defaultTop, worktrees }) => {
      settingsWatch.follow(defaultTop && toBuffer(defaultTop).toString());
      for (const { slug, mistakes } of worktrees) tellMistakes(slug, mistakes);
    },
  );
  let ready = false;
  const degraded: string[] = [];
  const degrade = (why: string) => {
    degraded.push(why);
    journal(`degraded: ${why}`);
  };
  const tellVanished = () => {
    const { vanished } = settings;
    if (vanished === undefined) return;
    journal(
      `${vanished} is missing; its last settings still apply until there is a new one ({} for the defaults)`,
    );
  };
  tellVanished();
  let afterSettings = () => {};
  const settingsWatch = new SettingsWatch(
    layout.root,
    () =>
      void loadSettings(settings, commonDir)
        .then(tellVanished)
        .then(() => afterSettings())
        .then(() => reconciler.reconcileAll())
        .catch(() => {}),
    (error) =>
      degrade(`configuration files cannot be watched and are checked every 2 s: ${String(error)}`),
    journal,
  );
  const retention = () => {
    const chosen = reconciler.find(".default");
    return chosen && isInOperation(chosen) ? undefined : settings.retention;
  };
  const api = apiOf({
    reconciler,
    httpPort: () => http.port,
    version: VERSION,
    program,
    retention,
    problems: () => settings.problems.map(problemLine),
    ready: () => ready,
    degraded: () => degraded.join("; ") || undefined,
  });
  const entrances = new DaemonSockets(
    layout,
    [
      { directory: layout.ikigai, name: "daemon.sock", make: () => socketServer(api) },
      {
        directory: layout.run,
        name: "gate.sock",
        make: () => gateServer(reconciler, () => http.port),
      },
    ],
    journal,
  );
  await entrances.open();

  const stopWatching = watchGitDirectory(
    commonDir,
    (gitDir, heard) => {
      if (!gitDir) return void reconciler.reconcileAll().catch(() => {});
      const slug = reconciler.slugOfGitDir(gitDir) ?? reconciler.slugOfKnownGitDir(gitDir);
      // The hook is usually faster, and its reconcile has already covered this event.
      if (slug === undefined || reconciler.reconciledAfter(slug, heard)) return;
      void reconciler.reconcile(slug).catch(() => {});
    },
    (error) =>
      degrade(`git's files cannot be watched and are checked every second: ${String(error)}`),
    journal,
  );
  await reconciler.reconcileAll();
  const chosen = reconciler.find(".default");
  // Services of the default worktree that start by themselves do so with the daemon, however it was started.
  if (chosen) reconciler.startRequested([chosen.slug]);
  ready = true;
  // Create nothing at a path from which the project was moved away.
  const replenish = () => void (statIfThere(layout.sv) && host.serviceDirectories.replenish());
  logErrors(replenish, journal)();
  logErrors(() => host.serviceDirectories.completeStarts(), journal)();
  const enforcement = enforceRetention(reconciler, retention, journal);
  afterSettings = enforcement.look;
  const stops: readonly (() => unknown)[] = [
    watchSupervisor(layout, journal),
    reapOrphans(layout, journal),
    watchProjectLocation(
      layout,
      (deleted) => {
        // The run script knows the new path, so runsv starts the next daemon there.
        if (!deleted) {
          journal(
            `the project is no longer at ${layout.root}; next: run ikigai start at its new path`,
          );
          process.exit(0);
        }
        // Ignore SIGTERM: the supervisor, which is being stopped too, sends it.
        process.removeAllListeners("SIGTERM").on("SIGTERM", () => {});
        void stopDeletedTree(layout, data).finally(() => process.exit(0));
      },
      async () => {
        const state = await entrances.relisten();
        if (state === "emptied") await reconciler.reconcileAll();
        if (state !== "taken") return;
        journal("another daemon has replaced the sockets; exiting");
        process.exit(0);
      },
      journal,
    ),
    guardControls({
      layout,
      commonDir,
      identity,
      main: () => reconciler.worktrees.find((w) => w.isMain),
      planted: () => {
        const isHere = statIfThere(`${layout.sv}/daemon/run`) !== undefined;
        const areOurs = [layout.daemonSocket, layout.gateSocket].every(isOwnSocket);
        // A checkout replaced the sockets, so clients do not reach this process: exit, and let runsv start
        // another.
        if (isHere && !areOurs) return stop();
        host.definitions.invalidateAll();
        // If all of `.ikigai` was deleted, there is nowhere to write to.
        if (isHere) host.ports.restore();
        void reconciler.reconcileAll().catch(() => {});
      },
      journal,
    }),
    setCoalescedInterval(2_000, replenish, journal),
    pollForChanges(
      reconciler,
      commonDir,
      () => {
        // All schemas were adopted by name, once; from now on the copy has its own identities.
        copied = false;
        if (detectRelocation(layout).kind !== "moved") recordLocation(layout);
      },
      journal,
    ),
    reconciler.idleManager.start(),
    keepReserves(reconciler, journal),
    collectGarbageWhenIdle(journal),
    rotateLogs(layout, journal),
    keepHooksInstalled(reconciler, commonDir, journal),
    () => enforcement.end(),
    () => settingsWatch.end(),
    stopWatching,
  ];
  const count = reconciler.worktrees.length;
  journal(`ready: ${count} ${count === 1 ? "worktree" : "worktrees"}`);

  end = async () => {
    entrances.close();
    if (await isBeingDeleted(layout)) {
      await stopDeletedTree(layout, data);
      process.exit(0);
    }
    for (const each of stops) await each();
    await reconciler.idle();
    await host.postgres.end();
    // Without the socket file clients such as git's hook give up at once.
    fs.rmSync(layout.daemonSocket, { force: true });
    process.exit(0);
  };
}

main(process.argv[2]).catch((error: unknown) => {
  console.error(error instanceof Error ? (error.stack ?? error.message) : error);
  process.exit(1);
});
