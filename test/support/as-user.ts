import { readFileSync } from "node:fs";
import { lchown, readdir } from "node:fs/promises";
import { join } from "node:path";

/** An account of the operating system. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** The account that runs the tests. */
export const ourselves: Account = {
  name: "ourselves",
  uid: process.getuid?.() ?? 0,
  gid: process.getgid?.() ?? 0,
};

/**
 * The accounts that a test runs its programs as: our own and, as root, an
 * unprivileged one that every machine has.
 */
export function accounts(): Account[] {
  if (ourselves.uid !== 0) return [ourselves];
  const line = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((text) => text.startsWith("nobody:"));
  const [, , uid, gid] = line?.split(":") ?? [];
  if (!uid || !gid) return [{ ...ourselves, name: "root" }];
  return [
    { ...ourselves, name: "root" },
    { name: "nobody", uid: Number(uid), gid: Number(gid) },
  ];
}

/** Changes the owner of a directory with all its content; links are not followed. */
export async function giveTo(account: Account, path: string): Promise<void> {
  await lchown(path, account.uid, account.gid);
  const entries = await readdir(path, { withFileTypes: true, recursive: true });
  for (const entry of entries) {
    await lchown(join(entry.parentPath, entry.name), account.uid, account.gid);
  }
}

/** Returns options for execa that start a program as this account. */
export function identityOf(account: Account): { uid?: number; gid?: number } {
  return account.uid === ourselves.uid ? {} : { uid: account.uid, gid: account.gid };
}
