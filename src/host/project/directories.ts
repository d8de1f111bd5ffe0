import fs from "node:fs";
import { quoteShell } from "../../model/envrc.ts";
import type { Layout } from "../../model/layout.ts";
import { lstatIfThere, readlinkIfThere } from "../fs/files.ts";
import { repairPortsMap } from "../net/port-allocator.ts";
import { makeDataDirectory } from "../postgres/data-directory.ts";
import type { PostgresAccount } from "../postgres/os-account.ts";

/** `.ikigai` cannot be created or used here; the message says why and what to do. */
export class SkeletonError extends Error {
  override readonly name = "SkeletonError";
}

/**
 * Creates the directories of `.ikigai`, and Postgres' data directory if it is elsewhere. Keeps existing
 * content and corrects modes.
 *
 * @throws SkeletonError if `.ikigai` is a link, not a directory, or belongs to another account
 */
export function makeDirectories(layout: Layout, account: PostgresAccount): void {
  assertOwned(layout);
  // Grants at most search permission (x), and only if another account must reach db/.
  const open = account.user !== "" && account.data === "";
  directory(layout.ikigai, open ? 0o711 : 0o700);
  for (const path of directoriesOf(layout)) directory(path, 0o700);
  makeDataDirectory(layout, account.data, account.user !== "");
  repairPortsMap(layout);
  const ports = `${layout.run}/ports.map`;
  if (!lstatIfThere(ports)) fs.writeFileSync(ports, "", { mode: 0o600, flag: "a" });
}

function directoriesOf(layout: Layout): string[] {
  const { bin, scripts, deno, httpd, documents, logs, run, environments, sockets, sv } = layout;
  return [
    ...[bin, scripts, deno, httpd, `${httpd}/pid`, documents, logs, `${logs}/daemon`],
    ...[run, environments, sockets, `${run}/traffic`, `${run}/nginx`, sv],
  ];
}

/**
 * @param commonDir git's common directory, whose configuration and hooks are as critical
 * @throws SkeletonError if one of them is, or would be created in, something another account can change
 */
export function assertOwned({ ikigai, root }: Layout, commonDir?: string): void {
  const repository = commonDir === undefined ? undefined : lstatIfThere(commonDir);
  if (commonDir && repository && !isMine(repository))
    throw new SkeletonError(strange(commonDir, repository));
  const present = lstatIfThere(ikigai);
  if (!present) {
    const parent = lstatIfThere(root);
    if (parent && !isMine(parent)) throw new SkeletonError(strange(root, parent));
    return;
  }
  if (present.isSymbolicLink()) {
    const target = String(readlinkIfThere(ikigai) ?? "");
    throw new SkeletonError(
      `${ikigai} is a symbolic link (to ${JSON.stringify(target)}), and ikigai would write wherever it leads.\n  next: rm ${quoteShell(ikigai)} && ikigai init`,
    );
  }
  if (!present.isDirectory()) {
    throw new SkeletonError(
      `${ikigai} is not a directory.\n  next: move it away, then ikigai init`,
    );
  }
  if (!isMine(present)) throw new SkeletonError(strange(ikigai, present));
}

function isMine(stat: fs.BigIntStats): boolean {
  return stat.uid === BigInt(process.getuid?.() ?? 0);
}

function strange(path: string, stat: fs.BigIntStats): string {
  return `${path} belongs to the account with the number ${stat.uid}, and you are ${process.getuid?.()}.\n  next: run ikigai as that account, or where you trust all of it: sudo chown -R ${process.getuid?.()} ${quoteShell(path)}`;
}

function directory(path: string, mode: number): void {
  fs.mkdirSync(path, { recursive: true, mode });
  if ((fs.statSync(path).mode & 0o777) !== mode) fs.chmodSync(path, mode);
}
