import fs from "node:fs";
import type { Layout } from "../../model/layout.ts";
import type { Slug } from "../../model/slug.ts";
import { linkAtomically, listIfThere, lstatIfThere, readlinkIfThere } from "../fs/files.ts";

/** `.owners/<worktree>` leads nowhere: its text is the identity of the worktree whose logs have that name. */
const OWNERS = ".owners";
/** `.removed/<worktree>.<identity>/<service>`: those of worktrees that are gone. */
const REMOVED = ".removed";
const UNKNOWN = "unknown";

/** Whose logs have a worktree's name; undefined where none were ever claimed. */
export function ownerOfLogs({ logs }: Layout, worktree: Slug): string | undefined {
  const text = readlinkIfThere(`${logs}/${OWNERS}/${worktree}`)?.toString();
  return text === undefined || /^[0-9a-z-]+$/.test(text) ? text : UNKNOWN;
}

/** The worktrees, gone ones too, whose logs have been claimed. */
export function namesOfLogs({ logs }: Layout): Slug[] {
  return listIfThere(`${logs}/${OWNERS}`).map(String).filter(isSlug);
}

/** Says whose a worktree's logs are from now on, and brings back those that were its own before. */
export function claimLogs(layout: Layout, worktree: Slug, identity: string): void {
  const aside = `${layout.logs}/${REMOVED}/${worktree}.${identity}`;
  ensureDirectory(layout.logs, OWNERS);
  ensureDirectory(layout.logs, REMOVED);
  for (const service of listIfThere(aside).map(String)) {
    const place = `${layout.logs}/${worktree}.${service}`;
    if (!lstatIfThere(place)) fs.renameSync(`${aside}/${service}`, place);
  }
  fs.rmSync(aside, { recursive: true, force: true });
  linkAtomically(identity, `${layout.logs}/${OWNERS}/${worktree}`);
}

/**
 * Puts the logs of a worktree that is gone aside, so that no other of its name shows them; what
 * nginx wrote of its traffic goes.
 */
export function retireLogs(layout: Layout, worktree: Slug): void {
  const owner = ownerOfLogs(layout, worktree) ?? UNKNOWN;
  const aside = `${REMOVED}/${worktree}.${owner}`;
  ensureDirectory(layout.logs, REMOVED);
  ensureDirectory(layout.logs, aside);
  for (const name of logsOf(layout, worktree)) {
    const place = `${layout.logs}/${aside}/${name.slice(worktree.length + 1)}`;
    fs.rmSync(place, { recursive: true, force: true });
    fs.renameSync(`${layout.logs}/${name}`, place);
  }
  forgetTraffic(layout, worktree);
  // Last, so that what is cut off is gone through with.
  fs.rmSync(`${layout.logs}/${OWNERS}/${worktree}`, { force: true });
}

/** Removes what nginx wrote down of the requests to a worktree, or to `.default`. */
export function forgetTraffic({ run }: Layout, worktree: Slug | ".default"): void {
  for (const name of listIfThere(`${run}/traffic`).map(String)) {
    if (name.startsWith(`${worktree}.`)) fs.rmSync(`${run}/traffic/${name}`, { force: true });
  }
}

/** What `sweepLogs` leaves. */
export interface KeptLogs {
  /** Of worktrees that are there or have data left. */
  readonly identities: ReadonlySet<string>;
  /** `<worktree>.<service>`, of every service that there is. */
  readonly services: ReadonlySet<string>;
  /** What was written to after this, in milliseconds since the epoch, whatever became of its service. */
  readonly since: number;
}

/**
 * Removes what belongs to no worktree that is there or has data left: logs that were put aside, or
 * that nobody claimed, and what nginx wrote of the traffic; and, after a while, the logs of services
 * that a worktree's branch has no more.
 */
export function sweepLogs(layout: Layout, { identities, services, since }: KeptLogs): void {
  if (lstatIfThere(layout.logs)?.isDirectory() !== true) return;
  const claimed = new Set(namesOfLogs(layout));
  const isClaimed = (name: string) => claimed.has(name.split(".", 1)[0] ?? "");
  for (const name of listIfThere(layout.logs).map(String)) {
    if (!isServiceLog(name)) continue;
    const path = `${layout.logs}/${name}`;
    const isOver = !services.has(name) && !name.endsWith(".setup") && written(path) < since;
    if (!isClaimed(name) || isOver) remove(path);
  }
  for (const name of listIfThere(`${layout.run}/traffic`).map(String)) {
    if (!name.startsWith(".") && !isClaimed(name)) remove(`${layout.run}/traffic/${name}`);
  }
  const removed = `${layout.logs}/${REMOVED}`;
  if (lstatIfThere(removed)?.isDirectory() !== true) return;
  for (const name of listIfThere(removed).map(String)) {
    if (!identities.has(name.slice(name.indexOf(".") + 1))) remove(`${removed}/${name}`);
  }
}

/** The directories of a removed worktree's logs, by service; the one that was removed last. */
export function removedLogs({ logs }: Layout, worktree: Slug): ReadonlyMap<string, string> {
  const removed = `${logs}/${REMOVED}`;
  const [latest] = listIfThere(removed)
    .map((name) => `${removed}/${name}`)
    .filter((path) => path.startsWith(`${removed}/${worktree}.`))
    .sort((a, b) => changed(b) - changed(a));
  if (latest === undefined) return new Map();
  return new Map(listIfThere(latest).map((name) => [String(name), `${latest}/${name}`]));
}

function logsOf({ logs }: Layout, worktree: Slug): string[] {
  return listIfThere(logs)
    .map(String)
    .filter((name) => isServiceLog(name) && name.startsWith(`${worktree}.`));
}

/** `<worktree>.<service>`, beside `nginx.log`, `nginx.log.1`, `daemon` and our own. */
function isServiceLog(name: string): boolean {
  return /^[a-z0-9-]+\.[a-z0-9-]+$/.test(name) && !name.endsWith(".log");
}

function isSlug(name: string): boolean {
  return /^[a-z0-9-]+$/.test(name);
}

/**
 * A checkout of an ordinary clone can put links to anywhere in its place. Only in `.ikigai` as it is:
 * where git deletes that, nothing is made anew.
 */
function ensureDirectory(logs: string, name: string): void {
  for (const path of [logs, `${logs}/${name}`]) {
    const present = lstatIfThere(path);
    if (present && !present.isDirectory()) fs.rmSync(path);
    if (!present?.isDirectory()) fs.mkdirSync(path, { mode: 0o700 });
  }
}

function remove(path: string): void {
  fs.rmSync(path, { recursive: true, force: true });
}

function written(log: string): number {
  return Number((lstatIfThere(`${log}/current`) ?? lstatIfThere(log))?.mtimeMs ?? 0);
}

function changed(path: string): number {
  return Number(lstatIfThere(path)?.ctimeMs ?? 0);
}
