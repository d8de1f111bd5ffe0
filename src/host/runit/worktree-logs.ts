import fs from "node:fs";
import type { Layout } from "../../model/layout.ts";
import type { Slug } from "../../model/slug.ts";
import { linkAtomically, listIfThere, lstatIfThere, readlinkIfThere } from "../fs/files.ts";

/**
 * `.owners/<worktree>` is a dangling link whose text is the identity of the worktree that owns the logs of
 * this name.
 */
const OWNERS = ".owners";
/** `.removed/<worktree>.<identity>/<service>`: logs of removed worktrees. */
const REMOVED = ".removed";
const UNKNOWN = "unknown";

/**
 * Returns the identity of the worktree that owns the logs of this name; undefined if none has claimed them.
 */
export function ownerOfLogs({ logs }: Layout, worktree: Slug): string | undefined {
  const text = readlinkIfThere(`${logs}/${OWNERS}/${worktree}`)?.toString();
  return text === undefined || /^[0-9a-z-]+$/.test(text) ? text : UNKNOWN;
}

/** Lists the worktrees, including removed ones, that have claimed logs. */
export function namesOfLogs({ logs }: Layout): Slug[] {
  return listIfThere(`${logs}/${OWNERS}`).map(String).filter(isSlug);
}

/** Claims the logs of this name for a worktree, and restores those that it had before it was removed. */
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
 * Moves the logs of a removed worktree aside, so that a later worktree of the same name does not show them,
 * and deletes its traffic records.
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
  // Deleted last, so that an interrupted run is repeated.
  fs.rmSync(`${layout.logs}/${OWNERS}/${worktree}`, { force: true });
}

/** Deletes nginx's records of requests to a worktree, or to `.default`. */
export function forgetTraffic({ run }: Layout, worktree: Slug | ".default"): void {
  for (const name of listIfThere(`${run}/traffic`).map(String)) {
    if (name.startsWith(`${worktree}.`)) fs.rmSync(`${run}/traffic/${name}`, { force: true });
  }
}

/** What `sweepLogs` keeps. */
export interface KeptLogs {
  /** Identities of worktrees that exist or have retained data. */
  readonly identities: ReadonlySet<string>;
  /** `<worktree>.<service>` of all existing services. */
  readonly services: ReadonlySet<string>;
  /**
   * Keeps what was written to after this time, in milliseconds since the epoch, even if its service is gone.
   */
  readonly since: number;
}

/**
 * Deletes logs and traffic records that belong to no worktree that exists or has retained data, including
 * unclaimed ones; and, after a while, logs of services that a worktree's branch no longer defines.
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

/** Returns the log directories, by service, of the worktree of this name that was removed last. */
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

/**
 * Matches `<worktree>.<service>`; beside them are `nginx.log`, `nginx.log.1`, `daemon` and our hidden
 * directories.
 */
function isServiceLog(name: string): boolean {
  return /^[a-z0-9-]+\.[a-z0-9-]+$/.test(name) && !name.endsWith(".log");
}

function isSlug(name: string): boolean {
  return /^[a-z0-9-]+$/.test(name);
}

/**
 * Creates a directory, replacing a link: a checkout in an ordinary clone may put a link to anywhere in its
 * place. Does not create `.ikigai` itself, which must stay deleted if git has deleted it.
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
