import fs from "node:fs";
import { quoteShell } from "../../model/envrc.ts";
import type { Layout } from "../../model/layout.ts";
import { lstatIfThere, readIfThere, writeAtomically } from "../fs/files.ts";
import { repairPortsMap } from "../net/port-allocator.ts";
import { readBaseline } from "./baseline.ts";
import { installControls, type Which } from "./controls.ts";
import { packageFile } from "./package-file.ts";
import { expel, quarantineForeign } from "./quarantine.ts";

/**
 * Makes everything that ikigai itself runs in a project what the package and its last preparation
 * say. Answers what was done, a line each.
 */
export function restoreControls(layout: Layout, identity: string, which: Which = "all"): string[] {
  const seal = readBaseline(identity);
  // Another installation of ikigai has taken the project over, and this daemon is about to go.
  const daemon = `IKIGAI_DAEMON=${quoteShell(packageFile("dist/daemon.js"))}\n`;
  if (seal && !seal.settings.includes(daemon)) return [];
  const broken = repairPortsMap(layout);
  const source = packageFile("controls");
  // A package that is being replaced has nothing to compare with.
  if (!fs.existsSync(`${source}/sv/daemon/run`)) return [];
  const lines = quarantineForeign(source, layout).map(
    (name) => `moved aside ${JSON.stringify(name)}, which is not ikigai's`,
  );
  if (broken) lines.push("set aside run/ports.map, which was broken");
  for (const name of installControls(source, layout, which))
    lines.push(`put back ${name}, which was changed`);
  const generated = [
    [layout.settings, seal?.settings, "scripts/settings"],
    [layout.nginxConf, seal?.nginxConf, "httpd/nginx.conf"],
  ] as const;
  for (const [path, text, name] of generated) {
    const present = readIfThere(path)?.toString();
    if (text === undefined || present === text) continue;
    if (present === undefined && which === "changed") continue;
    writeAtomically(path, text);
    lines.push(`put back ${name}, which was changed`);
  }
  return lines;
}

/**
 * Takes away what a branch put into `.ikigai` and neither the package nor a seal can say better:
 * programs beside ours, what servers read as their configuration or serve, secrets, Deno (which is
 * fetched anew). What was generated before is made again by whoever makes it.
 *
 * @param files the branch's, as git names them
 */
export function quarantineTracked(layout: Layout, files: readonly string[]): void {
  const source = packageFile("controls");
  if (files.some((file) => file.startsWith(".ikigai/deno/"))) {
    fs.rmSync(layout.deno, { recursive: true, force: true });
    fs.mkdirSync(layout.deno, { mode: 0o700 });
  }
  for (const file of files) {
    const name = file.slice(".ikigai/".length);
    if (name === "" || SEALED.includes(name) || fs.existsSync(`${source}/${name}`)) continue;
    if (name === APPROVED) markInitialApproval(layout);
    else if (liesInside(layout, name)) expel(layout, name);
  }
  // nginx does not start without it.
  if (files.includes(".ikigai/run/ports.map")) writeAtomically(`${layout.run}/ports.map`, "");
}

/** Not of the package, and put back all the same. */
const SEALED = ["scripts/settings", "httpd/nginx.conf"];
/** Says that what the default worktree held at first was approved: without it, all would be once more. */
const APPROVED = "scripts/approved";

export function markInitialApproval(layout: Layout): void {
  writeAtomically(
    `${layout.ikigai}/${APPROVED}`,
    "What the default worktree held at first was approved.\n",
  );
}

/** As git puts it there, a file or a link, and reached through no link: `db` leads to what is no branch's. */
function liesInside({ ikigai }: Layout, name: string): boolean {
  const parts = name.split("/");
  const above = parts.slice(0, -1).map((_, i) => `${ikigai}/${parts.slice(0, i + 1).join("/")}`);
  const stat = lstatIfThere(`${ikigai}/${name}`);
  const isPlantable = stat?.isFile() === true || stat?.isSymbolicLink() === true;
  return isPlantable && above.every((path) => lstatIfThere(path)?.isDirectory());
}
