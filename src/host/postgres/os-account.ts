import fs from "node:fs";
import { execa } from "execa";
import type { Layout } from "../../model/layout.ts";
import { linkedOutside, outsideData, repositoryData } from "./data-directory.ts";

/** The system account that runs Postgres, and where its data is. */
export interface PostgresAccount {
  /** A system account; empty for the account that runs ikigai. */
  readonly user: string;
  /** The data directory, relative to `.ikigai` if not absolute; empty for `.ikigai/db` itself. */
  readonly data: string;
}

const CANDIDATES = ["postgres", "nobody"];

interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * Chooses the account and data directory for Postgres. PostgreSQL refuses to run as root, so root needs
 * another account and a data directory that this account can reach: the project's if all directories above it
 * let the account through, else one under /var/lib/ikigai.
 *
 * @param given `repository`: git's directory, if `.ikigai` is inside a working tree and thus within git's
 * reach; `user`: `postgres.user` of the configuration, used only by root
 * @throws Error if no such account exists
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
  // A moved project keeps its data; the link says where it is.
  const already = linkedOutside(layout);
  if (already) return { user: account.name, data: already };
  const reachable = await canPass(account, repository ?? layout.root);
  return { user: account.name, data: reachable ? inside : outsideData(layout.root) };
}

/** Chooses the configured account, else the first candidate, from the text of passwd(5). Never root. */
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

/**
 * Runs test(1) as that account and lets the kernel decide, because modes alone do not cover ACLs and mounts.
 */
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
