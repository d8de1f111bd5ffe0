import fs from "node:fs";
import type { Facts, WorktreeFacts } from "../discovery/facts.ts";
import { withdrawAllowance } from "../host/direnv/allow.ts";
import { putEnvironment } from "../host/direnv/envrc.ts";
import { provideEnvrc } from "../host/direnv/provision.ts";
import {
  joinRaw,
  listIfThere,
  lstatIfThere,
  readIfThere,
  toBuffer,
  writeAtomically,
} from "../host/fs/files.ts";
import { linkToProject } from "../host/project/worktree-link.ts";
import {
  CONNECTION_VARIABLES,
  passwordFile,
  worktreeVariables,
} from "../model/environment-variables.ts";
import { ENVIRONMENT_FILE, environmentFile, environmentPath } from "../model/envrc.ts";
import { schemaOf } from "../model/slug.ts";
import type { RawPath } from "../model/worktree.ts";
import type { Resource } from "./resource.ts";

interface Want {
  readonly top: RawPath;
  readonly gitDir: RawPath;
  readonly defaultTop: RawPath | undefined;
  readonly shell: string;
  readonly passwords: string;
  /** The worktree's branch: on another one, `.envrc` may no longer be tracked. */
  readonly head: string;
  /** Whether the worktree is outside of the project's root and needs a link to `.ikigai`. */
  readonly outside: boolean;
}

interface Have {
  readonly shell: string;
  readonly passwords: string;
  readonly head: string;
  readonly top: string;
  /** Whether the files that a shell loads are unchanged since they were written. */
  readonly whole: boolean;
}

/**
 * The environment of a worktree: a file for shells to source, and an `.envrc` through which direnv loads it.
 */
export const environment: Resource<Want, Have> = {
  kind: "environment",

  desired(facts) {
    return new Map(facts.worktrees.map((worktree) => [worktree.slug, wantOf(facts, worktree)]));
  },

  async observe({ layout }, scope) {
    const slugs = scope
      ? [...scope]
      : listIfThere(layout.environments)
          .map(String)
          .flatMap((name) => /^([a-z0-9-]+)\.sh$/.exec(name)?.[1] ?? []);
    const found = new Map<string, Have>();
    for (const slug of slugs) {
      const shell = readIfThere(environmentPath(layout, slug))?.toString();
      if (shell === undefined) continue;
      const note = readIfThere(notePath(layout.environments, slug))?.toString().split("\0") ?? [];
      const [head = "", gitDir = "", stamp = ""] = note;
      const top = note.at(-1) ?? "";
      found.set(slug, {
        shell,
        passwords: readIfThere(`${layout.environments}/${slug}.pgpass`)?.toString() ?? "",
        head,
        top,
        whole: stamp === stampOf(Buffer.from(top, "hex"), Buffer.from(gitDir, "hex")),
      });
    }
    return found;
  },

  compare(want, have) {
    if (!want) return { action: "remove", why: "its worktree was removed" };
    if (!have) return { action: "create", why: "it has none yet" };
    if (want.shell !== have.shell || want.passwords !== have.passwords) {
      return { action: "update", why: "its variables changed" };
    }
    if (toBuffer(want.top).toString("hex") !== have.top) {
      return { action: "update", why: "the worktree moved" };
    }
    if (want.head !== have.head) return { action: "update", why: "its branch changed" };
    return have.whole ? undefined : { action: "update", why: "it was changed or removed" };
  },

  async apply({ layout }, step, want, have) {
    const shell = environmentPath(layout, step.key);
    const passwords = `${layout.environments}/${step.key}.pgpass`;
    const note = notePath(layout.environments, step.key);
    if (!want) {
      if (have?.top) withdrawAllowance(joinRaw(Buffer.from(have.top, "hex"), ".envrc"));
      // Remove the file by which it is found last, so that an interrupted removal is completed later.
      for (const file of [passwords, note, shell]) fs.rmSync(file, { force: true });
      return;
    }
    // git is removing the worktree, and would fail if a file appeared in it now.
    if (!lstatIfThere(joinRaw(want.top, ".git"))) return;
    fs.mkdirSync(layout.environments, { recursive: true, mode: 0o700 });
    writeAtomically(passwords, want.passwords, { durable: false });
    writeAtomically(shell, want.shell, { durable: false });
    const { envrc } = await provideEnvrc({
      directory: want.top,
      environmentFile: putEnvironment(want.gitDir, want.shell, shell),
      scratch: layout.run,
      worktree: true,
      fresh: step.action === "create" ? want.gitDir : undefined,
      defaultTop: want.defaultTop,
    });
    if (envrc === "going") return;
    if (want.outside) await linkToProject(layout.ikigai, want.top);
    const [gitDir, top] = [want.gitDir, want.top].map((path) => toBuffer(path).toString("hex"));
    // The worktree's path comes last: bin/psql reads it.
    const parts = [want.head, gitDir, stampOf(want.top, want.gitDir), top];
    writeAtomically(note, parts.join("\0"), { durable: false });
  },
};

/**
 * Computes a stamp of `.envrc` and of what it loads that changes when either is replaced, written or removed.
 */
function stampOf(top: RawPath, gitDir: RawPath): string {
  return [joinRaw(top, ".envrc"), joinRaw(gitDir, ENVIRONMENT_FILE)]
    .map((path) => lstatIfThere(path))
    .map((stat) => (stat ? `${stat.ino}:${stat.ctimeNs}` : ""))
    .join();
}

function wantOf(facts: Facts, worktree: WorktreeFacts): Want {
  const { layout, postgresPort } = facts;
  const password = facts.passwordOf(worktree);
  return {
    top: worktree.path,
    gitDir: worktree.gitDir,
    defaultTop: worktree.isDefault ? undefined : facts.defaultTop,
    shell: environmentFile(
      worktreeVariables(worktree.slug, layout, facts, password),
      layout.bin,
      CONNECTION_VARIABLES,
    ),
    passwords: passwordFile([{ role: schemaOf(worktree.slug), password }], postgresPort),
    head: worktree.branch ?? "",
    outside: !isWithin(layout.root, worktree.path),
  };
}

function isWithin(root: string, path: RawPath): boolean {
  return joinRaw(path, "")
    .subarray(0, Buffer.byteLength(root) + 1)
    .equals(joinRaw(root, ""));
}

function notePath(directory: string, slug: string): string {
  return `${directory}/${slug}.note`;
}
