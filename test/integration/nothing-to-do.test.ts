import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeProject } from "../support/project.ts";
import { waitFor } from "../support/wait.ts";

/** Files that are written all the time: by servers, logs, and nginx' record of a service's use. */
const OTHERS = /^(?:db|logs|run\/traffic|run\/nginx|sv\/[^/]+\/(?:supervise|log\/supervise))$/;

/** Reads inode and times of all of ikigai's files, which show a rewrite even with equal content. */
function stamps(directory: string, below = ""): Map<string, string> {
  const found = new Map<string, string>();
  for (const entry of readdirSync(join(directory, below), { withFileTypes: true })) {
    const name = below === "" ? entry.name : `${below}/${entry.name}`;
    if (OTHERS.test(name)) continue;
    const { ino, mtimeNs, ctimeNs } = lstatSync(join(directory, name), { bigint: true });
    found.set(name, `${ino} ${mtimeNs} ${ctimeNs}`);
    if (entry.isDirectory())
      for (const [key, value] of stamps(directory, name)) found.set(key, value);
  }
  return found;
}

test.runIf(process.platform === "linux")(
  "a reconcile with nothing to do changes no file, starts nothing and reads the catalog once",
  async () => {
    await using project = await makeProject({ worktrees: ["rel-05", "rel-06", "rel-07"] });
    expect((await project.ikigai("start")).exitCode).toBe(0);
    const { root } = project;
    const psql = async (sql: string) => {
      const { stdout, stderr, exitCode } = await project.run(join(root, ".ikigai/bin/psql"), [
        ...["-qAt", "-c", sql],
      ]);
      expect(exitCode, stderr).toBe(0);
      return stdout;
    };
    const look = async () => {
      const socket = join(root, ".ikigai/daemon.sock");
      const { stdout, exitCode } = await project.run("curl", [
        ...[
          "-sf",
          "-m",
          "20",
          "-X",
          "POST",
          "--unix-socket",
          socket,
          "http://ikigai/v1/look?brief",
        ],
      ]);
      expect(exitCode, stdout).toBe(0);
    };
    const workers = () => {
      const pid = readFileSync(join(root, ".ikigai/httpd/pid/nginx.pid"), "utf8").trim();
      return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
    };
    await psql("ALTER SYSTEM SET log_statement = 'all'");
    await psql("ALTER SYSTEM SET log_line_prefix = '<%a> '");
    await psql("SELECT pg_reload_conf()");
    await waitFor(async () => (await psql("SHOW log_statement")) === "all");
    const log = join(root, ".ikigai/logs/postgres.log");
    const text = () => readFileSync(log, "utf8");
    // The warm pool is filled meanwhile.
    await waitFor(async () => {
      const before = [...stamps(join(root, ".ikigai")), workers()];
      const logged = text().length;
      await look();
      expect([...stamps(join(root, ".ikigai")), workers()]).toEqual(before);
      const statements = [...text().slice(logged).matchAll(STATEMENT)].map(([, each = ""]) => each);
      expect(statements.filter((each) => !each.startsWith("SELECT"))).toEqual([]);
      // The reserve job runs meanwhile, and only reads.
      const ours = statements.filter((each) => each.startsWith("SELECT n.nspname AS schema"));
      return ours.length === 1;
    });
  },
);

const STATEMENT = /^<ikigai> LOG: {2}(?:statement|execute [^:]*): (.*)$/gm;
