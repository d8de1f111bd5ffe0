import { setMaxListeners } from "node:events";
import fs from "node:fs";
import { fileURLToPath } from "node:url";
import { Away } from "../discovery/absence-grace.ts";
import type { Gathering } from "../discovery/facts.ts";
import { isInOperation } from "../discovery/git-operation.ts";
import { loadSettings, readSettings } from "../discovery/open-project.ts";
import { findProject } from "../discovery/project.ts";
import { WorktreeReader } from "../discovery/worktrees.ts";
import { statIfThere, toBuffer } from "../host/fs/files.ts";
import { sweepTemporaries } from "../host/fs/temporary-files.ts";
import { relocateWorktrees } from "../host/git/moved-worktrees.ts";
import { Entrances } from "../host/net/daemon-sockets.ts";
import { isOwnSocket } from "../host/net/own-socket.ts";
import { Ports } from "../host/net/port-allocator.ts";
import { ownerSocketDirectory, socketPaths } from "../host/net/socket-path.ts";
import { DefaultPointer } from "../host/nginx/default-pointer.ts";
import { KeptConnections } from "../host/nginx/keepalive-slots.ts";
import { reloadNginx } from "../host/nginx/reload.ts";
import { Branching } from "../host/postgres/branch-progress.ts";
import { Postgres } from "../host/postgres/client.ts";
import { linkedData } from "../host/postgres/data-directory.ts";
import { ownerDirectory, readOwnerPassword } from "../host/postgres/owner.ts";
import { readSecret } from "../host/postgres/role-passwords.ts";
import { tidyWhenQuiet } from "../host/process/idle-gc.ts";
import { putRight } from "../host/project/control-repair.ts";
import { passThrough, readArrival, settleHere } from "../host/project/location.ts";
import { programDigest } from "../host/project/package-file.ts";
import { Definitions } from "../host/runit/definitions.ts";
import { Slots } from "../host/runit/service-directories.ts";
import { endAbandoned } from "../host/runit/stale-tree.ts";
import { carefully, every } from "../host/timers/interval.ts";
import { projectIdentity } from "../host/trust/approvals.ts";
import { problemLine } from "../model/configuration/problems.ts";
import { Intentions } from "../resources/state/branch-options.ts";
import { Asked } from "../resources/state/requested-worktrees.ts";
import { Notes } from "../resources/state/warnings.ts";
import type { Host } from "../resources/step-context.ts";
import { VERSION } from "../version.ts";
import { apiOf } from "./api/routes.ts";
import { socketServer } from "./api/server.ts";
import { gateServer } from "./gate/server.ts";
import { rotateRegularly } from "./jobs/log-rotation.ts";
import { endOrphansRegularly } from "./jobs/orphan-reaper.ts";
import { keepReserveRegularly } from "./jobs/reserve.ts";
import { enforceRetention } from "./jobs/retention.ts";
import { watchSupervisor } from "./jobs/supervisor-watchdog.ts";
import { guardControls } from "./jobs/tamper-guard.ts";
import { Keeper } from "./reconciler/reconciler.ts";
import { mistakeTeller } from "./reconciler/settings-error-log.ts";
import { watchRepository } from "./watch/git-directory.ts";
import { keepHooks } from "./watch/git-hook.ts";
import { glanceRegularly } from "./watch/poll.ts";
import { isBeingDeleted, watchPlace } from "./watch/project-location.ts";
import { SettingsWatch } from "./watch/settings-files.ts";

/** The only long-lived process: wires what notices to what keeps. */
async function main(root: string | undefined): Promise<void> {
  const project = root === undefined ? undefined : findProject(root);
  if (!project) throw new Error(`No project at ${root ?? "(no directory given)"}.`);
  process.umask(0o077);
  const { layout, commonDir } = project;
  const journal = (line: string) => console.log(line);
  const program = programDigest(fileURLToPath(import.meta.url));
  const arrival = readArrival(layout);
  // Where git's files still name the old place, every worktree would seem to be gone.
  if ("from" in arrival) relocateWorktrees(commonDir, arrival.from.root, layout.root);
  if (arrival.kind === "moved") passThrough(layout, arrival.from);
  sweepTemporaries(layout, commonDir);
  const settings = await readSettings(project, { keeps: true });
  const { http, postgres } = settings.project;
  const secret = readSecret(layout);
  const identity = projectIdentity(commonDir);
  const data = linkedData(layout);
  const ending = new AbortController();
  // Each setup command that runs listens.
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
  const host: Host = {
    layout,
    postgres: new Postgres({
      host: ownerSocketDirectory(layout, postgres.port),
      port: postgres.port,
      password: () => readOwnerPassword(ownerDirectory(identity)),
      data: layout.db,
    }),
    ports: new Ports(layout, () => reloadNginx(layout)),
    slots: new Slots(layout, undefined, () => void putRight(layout, identity, "changed")),
    definitions: new Definitions(layout),
    branching: new Branching(layout, journal),
    intended: new Intentions(),
    asked: new Asked(layout),
    notes: new Notes(),
    kept,
    pointer,
    ending: ending.signal,
    socketPath,
  };
  const gathering = (): Gathering => ({
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
  const tellMistakes = mistakeTeller((line) => console.log(line));
  const reader = new WorktreeReader(commonDir);
  const away = new Away();
  let copied = arrival.kind === "copied";
  const keeper = new Keeper(
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
      `${vanished} is not there any more; what it said last holds, until there is another (an empty one: {})`,
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
        .then(() => keeper.lookEverywhere())
        .catch(() => {}),
    (error) =>
      degrade(`settings are not watched, only looked at every two seconds: ${String(error)}`),
    journal,
  );
  const retention = () => {
    const chosen = keeper.find(".default");
    return chosen && isInOperation(chosen) ? undefined : settings.retention;
  };
  const api = apiOf({
    keeper,
    httpPort: () => http.port,
    version: VERSION,
    program,
    retention,
    problems: () => settings.problems.map(problemLine),
    ready: () => ready,
    degraded: () => degraded.join("; ") || undefined,
  });
  const entrances = new Entrances(
    layout,
    [
      { directory: layout.ikigai, name: "daemon.sock", make: () => socketServer(api) },
      { directory: layout.run, name: "gate.sock", make: () => gateServer(keeper, () => http.port) },
    ],
    journal,
  );
  await entrances.open();

  const stopWatching = watchRepository(
    commonDir,
    (gitDir, heard) => {
      if (!gitDir) return void keeper.lookEverywhere().catch(() => {});
      const slug = keeper.slugOfGitDir(gitDir) ?? keeper.knownAt(gitDir);
      // The hook is quicker than we are, and then nothing is left to see.
      if (slug === undefined || keeper.lookedAfter(slug, heard)) return;
      void keeper.lookAt(slug).catch(() => {});
    },
    (error) =>
      degrade(`git's files are not watched, only looked at every second: ${String(error)}`),
    journal,
  );
  await keeper.lookEverywhere();
  const chosen = keeper.find(".default");
  // The default worktree's services run with everything else, whichever way that was started.
  if (chosen) keeper.ask([chosen.slug]);
  ready = true;
  // Nothing is made anew in a place that the project has left.
  const replenish = () => void (statIfThere(layout.sv) && host.slots.replenish());
  carefully(replenish, journal)();
  carefully(() => host.slots.completeStarts(), journal)();
  const enforcement = enforceRetention(keeper, retention, journal);
  afterSettings = enforcement.look;
  const stops: readonly (() => unknown)[] = [
    watchSupervisor(layout, journal),
    endOrphansRegularly(layout, journal),
    watchPlace(
      layout,
      (deleted) => {
        // Its run script knows the new place, so the next one begins there.
        if (!deleted) {
          journal(`the project is not at ${layout.root} any more; next: ikigai start, where it is`);
          process.exit(0);
        }
        // Its supervisor, which ends too, asks us to.
        process.removeAllListeners("SIGTERM").on("SIGTERM", () => {});
        void endAbandoned(layout, data).finally(() => process.exit(0));
      },
      async () => {
        const state = await entrances.mend();
        if (state === "emptied") await keeper.lookEverywhere();
        if (state !== "taken") return;
        journal("another daemon listens in this one's place");
        process.exit(0);
      },
      journal,
    ),
    guardControls({
      layout,
      commonDir,
      identity,
      main: () => keeper.worktrees.find((w) => w.isMain),
      planted: () => {
        const isHere = statIfThere(`${layout.sv}/daemon/run`) !== undefined;
        const areOurs = [layout.daemonSocket, layout.gateSocket].every(isOwnSocket);
        // git has put a branch's file over it, and who is asked there is not us: the next one listens anew.
        if (isHere && !areOurs) return stop();
        host.definitions.distrust();
        // Where all of `.ikigai` has gone there is no place for it.
        if (isHere) host.ports.restore();
        void keeper.lookEverywhere().catch(() => {});
      },
      journal,
    }),
    every(2_000, replenish, journal),
    glanceRegularly(
      keeper,
      commonDir,
      () => {
        // Adopted by name once, with Postgres there; from now on it has identities of its own.
        copied = false;
        if (readArrival(layout).kind !== "moved") settleHere(layout);
      },
      journal,
    ),
    keeper.housekeeper.begin(),
    keepReserveRegularly(keeper, journal),
    tidyWhenQuiet(journal),
    rotateRegularly(layout, journal),
    keepHooks(keeper, commonDir, journal),
    () => enforcement.end(),
    () => settingsWatch.end(),
    stopWatching,
  ];
  journal(`ready: ${keeper.worktrees.length} worktrees`);

  end = async () => {
    entrances.close();
    if (await isBeingDeleted(layout)) {
      await endAbandoned(layout, data);
      process.exit(0);
    }
    for (const each of stops) await each();
    await keeper.idle();
    await host.postgres.end();
    // Who finds no socket need not try: git's hook is done at once.
    fs.rmSync(layout.daemonSocket, { force: true });
    process.exit(0);
  };
}

main(process.argv[2]).catch((error: unknown) => {
  console.error(error instanceof Error ? (error.stack ?? error.message) : error);
  process.exit(1);
});
