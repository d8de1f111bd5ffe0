import fs from "node:fs";
import { execa } from "execa";
import type { Layout } from "../../model/layout.ts";
import { linkedOutside, outsideData, repositoryData } from "./data-directory.ts";

/** Who runs Postgres, and where its data lies. */
export interface PostgresAccount {
  /** An account of the operating system; empty means whoever runs ikigai. */
  readonly user: string;
  /** The data directory, from `.ikigai` where not absolute; empty means `.ikigai/db` itself. */
  readonly data: string;
}

const CANDIDATES = ["postgres", "nobody"];

interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * PostgreSQL refuses to run as root, so root needs an account for it and a data
 * directory which that account can reach: the project's where every directory
 * above it lets the account through, else one under /var/lib/ikigai.
 *
 * @param given `repository`: git's directory, where `.ikigai` lies in a working tree, within
 *   git's reach; `user`: `postgres.user` of the configuration, which matters for root only
 * @throws Error when no such account exists
 */
export async function choosePostgresAccount(
  layout: Layout,
  given: { readonly repository?: string; readonly user?: string | undefined } = {},
): Promise<PostgresAccount> {
  const { repository, user } = given;
  const inside = repository === undefined ? "" : repositoryData(layout, repository);
  if (process.getuid?.() !== 0) return { user: "", data: inside };
  const account = chooseAccount(fs.readFileSync("/etc/passwd", "utf8"), user);
  if (!account) {
    throw new Error(
      user
        ? `There is no account ${JSON.stringify(user)} for Postgres (postgres.user in the configuration).\n  next: useradd --system ${user}, or leave postgres.user out`
        : "PostgreSQL refuses to run as root, and there is neither an account postgres nor nobody.\n  next: useradd --system postgres",
    );
  }
  // A project that was moved keeps its data: the link says where that is.
  const already = linkedOutside(layout);
  if (already) return { user: account.name, data: already };
  const reachable = await canPass(account, repository ?? layout.root);
  return { user: account.name, data: reachable ? inside : outsideData(layout.root) };
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
