import { chmodSync, mkdirSync, mkdtempSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { endMarked } from "./processes.js";
import { findProgram } from "./programs.js";
import { removeProjects } from "./remove.js";
import { must, run, StepError, step } from "./steps.js";

/** Copies tracked and untracked files that are not ignored, with node_modules and dist, to a directory. */
async function copyCheckout(target) {
  const list = await must("git", ["ls-files", "-coz", "--exclude-standard", "--deduplicate"]);
  const files = list.stdout.split("\0").filter((name) => name !== "" && !name.endsWith("/"));
  const present = files.map((name) => `./${name}`).join("\n");
  const command = 'tar -cf - -T - --ignore-failed-read 2>/dev/null | tar -xf - -C "$1"';
  await must("sh", ["-c", command, "sh", target], { input: present });
  await must("cp", ["-r", "node_modules", "dist", target]);
}

/** Returns the prefix of a command that runs it as another account, without a login. */
function runAs(name) {
  if (findProgram("setpriv") !== undefined) {
    return ["setpriv", `--reuid=${name}`, `--regid=${name}`, "--clear-groups", "--"];
  }
  if (findProgram("runuser") !== undefined) return ["runuser", "-u", name, "--"];
  throw new StepError("Neither setpriv nor runuser is there (package util-linux). Install it.");
}

/** Returns our environment without paths in our home, which the account may not read. */
function environmentOf(name, home) {
  const own = `${userInfo().homedir}/`;
  const foreign = ([key, value]) => key.startsWith("XDG_") || value?.startsWith(own);
  const kept = Object.fromEntries(Object.entries(process.env).filter((entry) => !foreign(entry)));
  const path = (process.env.PATH ?? "").split(":").filter((part) => !part.startsWith(own));
  return { ...kept, PATH: path.join(":"), HOME: home, USER: name, LOGNAME: name };
}

/**
 * Creates an account that exists only while `work` runs, with a copy of this checkout that it owns. Only for
 * root.
 *
 * @param {(account: { name: string, cwd: string, temporary: string, env: NodeJS.ProcessEnv,
 *   wrap: (command: string[]) => string[] }) => Promise<T>} work
 * @template T
 */
export async function asThrowawayUser(work) {
  const name = `iki-${process.pid}`;
  const base = mkdtempSync(join(tmpdir(), "iki-u"));
  const [cwd, home, temporary] = ["c", "h", "t"].map((part) => join(base, part));
  try {
    await step("\nMaking an ordinary user and a copy of the checkout", async () => {
      for (const directory of [cwd, home, temporary]) mkdirSync(directory);
      await must("useradd", ["--system", "--user-group", "--no-create-home", "-d", home, name]);
      await copyCheckout(cwd);
      await must("chown", ["-R", `${name}:${name}`, base]);
      chmodSync(base, 0o755);
    });
    const prefix = runAs(name);
    const wrap = (command) => [...prefix, ...command];
    return await work({ name, cwd, temporary, wrap, env: environmentOf(name, home) });
  } finally {
    await endMarked([base]);
    await run("userdel", [name], { tidying: true });
    removeProjects(base);
  }
}
