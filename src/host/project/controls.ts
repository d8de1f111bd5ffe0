import { randomBytes } from "node:crypto";
import fs from "node:fs";
import { dirname } from "node:path";
import type { Layout } from "../../model/layout.ts";
import { lstatIfThere, readIfThere, writeAtomically } from "../fs/files.ts";

/** Services that start only on request. */
const UNWANTED_AT_FIRST = ["nginx", "postgres"];

/**
 * Installs the controls into `.ikigai`: `bin`, `scripts` and the services of `sv`. Does not touch files that
 * are up to date. A service appears in `sv` completely or not at all, because runsvdir may be scanning.
 *
 * @param source the package's `controls` directory
 * @returns the files that were written, relative to `.ikigai`
 */
export function installControls(source: string, layout: Layout, which: Which = "all"): string[] {
  const services = fs.readdirSync(`${source}/sv`);
  return [
    ...copyTree(`${source}/scripts`, layout.scripts, "scripts", which),
    ...copyTree(`${source}/bin`, layout.bin, "bin", which),
    ...services.flatMap((name) => installService(`${source}/sv/${name}`, layout, name, which)),
  ];
}

/** `changed` does not recreate missing files, because a user may be deleting the whole project. */
export type Which = "all" | "changed";

/** Lists all directories into which {@link installControls} writes. */
export function controlDirectories(source: string, layout: Layout): string[] {
  return ["bin", "scripts", "sv"].flatMap((name) => [
    `${layout.ikigai}/${name}`,
    ...fs
      .readdirSync(`${source}/${name}`, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isDirectory())
      .map(
        (entry) => `${layout.ikigai}${`${entry.parentPath}/${entry.name}`.slice(source.length)}`,
      ),
  ]);
}

function installService(source: string, layout: Layout, name: string, which: Which): string[] {
  const place = `${layout.sv}/${name}`;
  if (lstatIfThere(place)) return copyTree(source, place, `sv/${name}`, which);
  if (which === "changed") return [];
  // runsvdir(8) ignores names that begin with a dot.
  const building = `${layout.sv}/.new-${randomBytes(6).toString("hex")}`;
  const written = copyTree(source, building, `sv/${name}`, which);
  if (UNWANTED_AT_FIRST.includes(name)) fs.writeFileSync(`${building}/down`, "");
  fs.renameSync(building, place);
  return written;
}

function copyTree(source: string, target: string, name: string, which: Which): string[] {
  if (which === "all") fs.mkdirSync(target, { recursive: true, mode: 0o700 });
  return fs.readdirSync(source, { withFileTypes: true }).flatMap((entry) => {
    const [from, to, label] = [source, target, name].map((path) => `${path}/${entry.name}`);
    if (!from || !to || !label) return [];
    if (entry.isDirectory()) return copyTree(from, to, label, which);
    return copyFile(from, to, which) ? [label] : [];
  });
}

function copyFile(from: string, to: string, which: Which): boolean {
  const content = fs.readFileSync(from);
  const present = lstatIfThere(to);
  if (!present && which === "changed") return false;
  const same =
    present?.isFile() && (present.mode & 0o777n) === 0o755n && readIfThere(to)?.equals(content);
  if (same) return false;
  // The umask reduces the mode at creation, so it is set again before the file gets its name.
  const building = `${dirname(to)}/.new-${randomBytes(6).toString("hex")}`;
  writeAtomically(building, content, { mode: 0o755, durable: false });
  fs.chmodSync(building, 0o755);
  fs.renameSync(building, to);
  return true;
}
