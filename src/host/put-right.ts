import fs from "node:fs";
import { quoteShell } from "../model/envrc.ts";
import type { Layout } from "../model/layout.ts";
import { installControls, type Which } from "./controls.ts";
import { readIfThere, writeAtomically } from "./files.ts";
import { packageFile } from "./package.ts";
import { mendPortsMap } from "./ports.ts";
import { readSeal } from "./seal.ts";
import { expel, expelStrangers } from "./strangers.ts";

/**
 * Makes everything that ikigai itself runs in a project what the package and its last preparation
 * say. Answers what was done, a line each.
 */
export function putRight(layout: Layout, identity: string, which: Which = "all"): string[] {
  const seal = readSeal(identity);
  // Another installation of ikigai has taken the project over, and this daemon is about to go.
  const daemon = `IKIGAI_DAEMON=${quoteShell(packageFile("dist/daemon.js"))}\n`;
  if (seal && !seal.settings.includes(daemon)) return [];
  const broken = mendPortsMap(layout);
  const source = packageFile("controls");
  // A package that is being replaced has nothing to compare with.
  if (!fs.existsSync(`${source}/sv/daemon/run`)) return [];
  const lines = expelStrangers(source, layout).map(
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
 * Takes away what a branch put where programs are looked for by name: beside ours in `bin` and
 * `scripts`, and in place of Deno, which is fetched anew.
 *
 * @param files the branch's, as git names them
 */
export function dropPlanted(layout: Layout, files: readonly string[]): void {
  const source = packageFile("controls");
  for (const file of files) {
    const name = file.slice(".ikigai/".length);
    if (!/^(?:bin|scripts)\//.test(name) || GENERATED.includes(name)) continue;
    if (!fs.existsSync(`${source}/${name}`)) expel(layout, name);
  }
  if (!files.some((file) => file.startsWith(".ikigai/deno/"))) return;
  fs.rmSync(layout.deno, { recursive: true, force: true });
  fs.mkdirSync(layout.deno, { mode: 0o700 });
}

/** Not of the package, and there all the same. */
const GENERATED = ["scripts/settings", "scripts/approved"];
