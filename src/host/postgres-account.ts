import { createHash } from "node:crypto";
import fs from "node:fs";
import { execa } from "execa";
import type { Layout } from "../model/layout.ts";
import { readlinkIfThere } from "./files.ts";

/** Who runs Postgres, and where its data lies. */
export interface PostgresAccount {
  /** An account of the operating system; empty means whoever runs ikigai. */
  readonly user: string;
  /** The data directory; empty means `.ikigai/db` itself. */
  readonly data: string;
}

/** Where data goes that root's Postgres cannot keep inside a closed directory. */
const OUTSIDE = "/var/lib/ikigai";
const CANDIDATES = ["postgres", "nobody"];

interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * PostgreSQL refuses to run as root, so root needs an account for it and a data
 * directory which that account can reach: `.ikigai/db` where every directory
 * above it lets the account through, else one under /var/lib/ikigai.
 *
 * @param configured `postgres.user` of the configuration; matters for root only
 * @throws Error when no such account exists
 */
export async function choosePostgresAccount(
  layout: Layout,
  configured?: string,
): Promise<PostgresAccount> {
  if (process.getuid?.() !== 0) return { user: "", data: "" };
  const account = chooseAccount(fs.readFileSync("/etc/passwd", "utf8"), configured);
  if (!account) {
    throw new Error(
      configured
        ? `There is no account ${JSON.stringify(configured)} for Postgres (postgres.user in the configuration).\n  next: useradd --system ${configured}, or leave postgres.user out`
        : "PostgreSQL refuses to run as root, and there is neither an account postgres nor nobody.\n  next: useradd --system postgres",
    );
  }
  // A project that was moved keeps its data: the link says where that is.
  const already = readlinkIfThere(layout.db)?.toString();
  if (already) return { user: account.name, data: already };
  const inside = await canPass(account, layout.root);
  return { user: account.name, data: inside ? "" : outsideData(layout.root) };
}

/** The configured account, else the first candidate, out of passwd(5)'s text. Never root. */
export function chooseAccount(passwd: string, configured?: string): Account | undefined {
  const accounts = passwd.split("\n").flatMap((line) => {
    const [name, , uid, gid] = line.split(":");
    return name && uid && gid && uid !== "0" ? [{ name, uid: Number(uid), gid: Number(gid) }] : [];
  });
  for (const wanted of configured === undefined ? CANDIDATES : [configured]) {
    const found = accounts.find(({ name }) => name === wanted);
    if (found) return found;
  }
  return undefined;
}

/** One directory a project; told apart by the project's path. */
export function outsideData(root: string): string {
  const key = createHash("sha256").update(root).digest("hex").slice(0, 16);
  return `${OUTSIDE}/${key}/data`;
}

/** Asked of the kernel, as that account: modes alone do not tell of ACLs and mounts. */
async function canPass({ uid, gid }: Account, directory: string): Promise<boolean> {
  const { exitCode } = await execa("test", ["-x", directory], {
    uid,
    gid,
    cwd: "/",
    reject: false,
    stdio: "ignore",
  });
  return exitCode === 0;
}
