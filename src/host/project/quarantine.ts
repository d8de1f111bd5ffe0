import { randomBytes } from "node:crypto";
import fs from "node:fs";
import { basename } from "node:path";
import type { Layout } from "../../model/layout.ts";
import { lstatIfThere, readlinkIfThere } from "../fs/files.ts";
import { PLACE_LINKS } from "../runit/service-directories.ts";
import { control } from "../runit/supervise.ts";

/** Entries that runsv, sv and ikigai create in a service directory. */
const OF_SERVICE = ["supervise", "down", "rested", "gave-up", "unbegun", "again"];
const PLACE = /^(?:[a-z0-9-]+\.[a-z0-9-]+|spare-[0-9a-f]+)$/;

/**
 * Moves aside services in `sv` that are not ours, since runsvdir would start them, and non-directories in
 * place of our directories.
 *
 * @param source the package's `controls` directory
 * @returns what was moved, relative to `.ikigai`
 */
export function quarantineForeign(source: string, layout: Layout): string[] {
  const expelled = [
    ...["bin", "scripts", "scripts/lib", "scripts/service"].filter((name) =>
      isNoDirectory(`${layout.ikigai}/${name}`),
    ),
    ...services(source, layout),
  ];
  for (const name of expelled) expel(layout, name);
  return expelled;
}

/** Lists entries of a directory that the package does not have there. */
function walk(source: string, place: string, name: string, extra: readonly string[]): string[] {
  if (isNoDirectory(place)) return [name];
  const own = new Map(entries(source).map((entry) => [entry.name, entry]));
  return entries(place).flatMap((entry) => {
    const label = `${name}/${entry.name}`;
    // Our temporary files, about to be renamed.
    if (/^\.new-|\.tmp$/.test(entry.name)) return [];
    const like = own.get(entry.name);
    if (like?.isDirectory()) {
      return walk(`${source}/${entry.name}`, `${place}/${entry.name}`, label, extra);
    }
    return like || extra.includes(entry.name) ? [] : [label];
  });
}

function services(source: string, { sv }: Layout): string[] {
  if (isNoDirectory(sv)) return ["sv"];
  const own = entries(`${source}/sv`).map(({ name }) => name);
  return entries(sv).flatMap((entry) => {
    const path = `${sv}/${entry.name}`;
    const label = `sv/${entry.name}`;
    // runsvdir(8) ignores names that begin with a dot.
    if (entry.name.startsWith(".")) return [];
    if (own.includes(entry.name)) {
      return walk(`${source}/sv/${entry.name}`, path, label, OF_SERVICE);
    }
    if (entry.isSymbolicLink()) {
      const target = readlinkIfThere(path)?.toString() ?? "";
      return PLACE.test(target) ? [] : [label];
    }
    return isPlace(path, entry.name) ? [] : [label];
  });
}

/**
 * Tells whether a service directory is one of ours: links to our own scripts, and nothing else that would
 * run.
 */
function isPlace(path: string, name: string): boolean {
  if (!PLACE.test(name) || !lstatIfThere(path)?.isDirectory()) return false;
  const linked = PLACE_LINKS.every(
    ([link, target]) => readlinkIfThere(`${path}/${link}`)?.toString() === target,
  );
  const allowed = [...OF_SERVICE, "run", "finish", "control", "log"];
  return linked && entries(path).every((entry) => allowed.includes(entry.name));
}

function isNoDirectory(path: string): boolean {
  return lstatIfThere(path)?.isDirectory() === false;
}

/**
 * Moves a file or directory into `run/strangers` and makes it non-executable. Nothing is deleted, because the
 * user may want it back.
 */
export function expel({ ikigai, run }: Layout, name: string): void {
  // A link here would lead out of `.ikigai`. Deleting it loses nothing: if it is a branch's, git has it.
  for (const path of [run, `${run}/strangers`]) if (isNoDirectory(path)) fs.rmSync(path);
  fs.mkdirSync(`${run}/strangers`, { recursive: true, mode: 0o700 });
  const aside = `${run}/strangers/${basename(name)}-${randomBytes(4).toString("hex")}`;
  try {
    fs.renameSync(`${ikigai}/${name}`, aside);
  } catch {
    return;
  }
  const stat = lstatIfThere(aside);
  if (stat?.isFile()) fs.chmodSync(aside, 0o600);
  // runsvdir may have started it already.
  if (stat?.isDirectory()) control(aside, "dkx");
}

function entries(path: string): fs.Dirent[] {
  try {
    return fs.readdirSync(path, { withFileTypes: true });
  } catch {
    return [];
  }
}
