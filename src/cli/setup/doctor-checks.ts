import fs from "node:fs";
import { homedir } from "node:os";
import type { Project } from "../../discovery/project.ts";
import { readWorktrees } from "../../discovery/worktrees.ts";
import { readIfThere } from "../../host/fs/files.ts";
import {
  dataPlace,
  freeSpace,
  NEW_CLUSTER_BYTES,
  onSameDisk,
  rounded,
} from "../../host/fs/free-space.ts";
import { effectiveHook } from "../../host/git/hook/installation.ts";
import { findPrograms, MissingPrograms, programVersions } from "../../host/programs/find.ts";
import type { Configuration } from "../../model/configuration/configuration.ts";
import { quoteShell } from "../../model/envrc.ts";
import type { Layout } from "../../model/layout.ts";
import { printable } from "../../model/printable.ts";
import type { Trustable } from "../../model/trust.ts";

/** The result of one check; `next` is the command that fixes a problem. */
export interface Finding {
  readonly what: string;
  readonly state: "ok" | "warning" | "problem";
  readonly detail: string;
  readonly next?: string;
}

const OLDEST: Readonly<Record<string, string>> = {
  git: "2.39",
  nginx: "1.22",
  postgres: "15",
  direnv: "2.32",
};

/**
 * Checks that all programs are found and new enough.
 *
 * @param strange programs that are not approved and therefore not run, not even for their version
 * @param chosen slug of the default worktree
 */
export async function checkPrograms(
  { programs: given, postgres }: Configuration,
  strange: readonly Trustable[],
  chosen: string | undefined,
): Promise<Finding[]> {
  if (strange.length > 0) {
    return strange.map(({ what, text }) => ({
      what,
      state: "problem",
      detail: `${printable(text ?? "")} has not been approved, so it is not run`,
      next: `ikigai trust ${chosen ?? ""}`.trimEnd(),
    }));
  }
  try {
    const versions = await programVersions(findPrograms({ ...given, postgres: postgres.bin }));
    return Object.entries(versions).map(([name, version]): Finding => {
      const least = OLDEST[name];
      if (least === undefined || version === "" || isAtLeast(version, least)) {
        return { what: name, state: "ok", detail: version };
      }
      return {
        what: name,
        state: "problem",
        detail: `${version} is older than ${least}`,
        next: `install a newer ${name}`,
      };
    });
  } catch (error) {
    if (!(error instanceof MissingPrograms)) throw error;
    const { missing, reasons, next } = error;
    const detail = [`${missing.join(", ")} not found`, ...reasons.map(printable)].join("; ");
    return [{ what: "programs", state: "problem", detail, next }];
  }
}

export async function checkHooks({ commonDir }: Project): Promise<Finding[]> {
  const worktrees = readWorktrees(commonDir).filter((w) => w.state === "present");
  return Promise.all(
    worktrees.map(async (worktree): Promise<Finding> => {
      const hook = await effectiveHook({ commonDir, worktrees }, worktree);
      const what = `hook in ${worktree.slug}`;
      const beside = hook.beside ? `, beside ${hook.beside}` : "";
      if (hook.runs) return { what, state: "ok", detail: `${hook.through}${beside}` };
      return {
        what,
        state: "warning",
        detail: `${printable(hook.why ?? "git does not run it")}; changes are still noticed, a moment later`,
        ...(hook.mend ? { next: printable(hook.mend) } : {}),
      };
    }),
  );
}

/** Checks the free space of the project's disk, and of its database's if that is another. */
export function checkDisk(layout: Layout): Finding[] {
  const data = dataPlace(layout);
  const places = onSameDisk(layout.ikigai, data) ? [layout.ikigai] : [layout.ikigai, data];
  return places.map((place): Finding => {
    const free = freeSpace(place);
    const what = place === data && places.length > 1 ? "disk of the database" : "disk";
    const detail = `${rounded(free)} free in ${place}`;
    if (free >= PLENTY_BYTES) return { what, state: "ok", detail };
    const state = free < NEW_CLUSTER_BYTES ? "problem" : "warning";
    return {
      what,
      state,
      detail,
      next: `free some space there; see what uses it: du -xsh ${quoteShell(place)}/*`,
    };
  });
}

/** A database branch or logs soon use up less than this. */
const PLENTY_BYTES = 512 * 1_048_576;

/** Checks whether the user's shell loads direnv, judging by its start files. */
export function checkShell(environment: NodeJS.ProcessEnv = process.env): Finding {
  const shell = (environment.SHELL ?? "").split("/").at(-1) ?? "";
  const files = startFiles(shell, environment.HOME ?? homedir(), environment);
  const what = "direnv in your shell";
  if (environment.DIRENV_DIR !== undefined)
    return { what, state: "ok", detail: "active in this shell" };
  if (files.length === 0) {
    return {
      what,
      state: "warning",
      detail: shell ? `ikigai cannot check ${shell}` : "SHELL is not set",
      next: "see HOOK in direnv(1)",
    };
  }
  const hooked = files.find(
    (file) =>
      readText(file).includes("direnv hook") || (/direnv/.test(file) && fs.existsSync(file)),
  );
  if (hooked) return { what, state: "ok", detail: hooked };
  const line = shell === "fish" ? "direnv hook fish | source" : `eval "$(direnv hook ${shell})"`;
  return {
    what,
    state: "warning",
    detail: `direnv is not hooked into ${shell}, so cd will not load the environment`,
    next: `echo '${line}' >> ${files[0]}`,
  };
}

function startFiles(shell: string, home: string, environment: NodeJS.ProcessEnv): string[] {
  const config = environment.XDG_CONFIG_HOME ?? `${home}/.config`;
  switch (shell) {
    case "bash":
      return [`${home}/.bashrc`, `${home}/.bash_profile`, `${home}/.profile`];
    case "zsh":
      return [`${environment.ZDOTDIR ?? home}/.zshrc`];
    case "fish":
      return [`${config}/fish/config.fish`, `${config}/fish/conf.d/direnv.fish`];
    default:
      return [];
  }
}

function readText(file: string): string {
  try {
    return readIfThere(file)?.toString() ?? "";
  } catch {
    return "";
  }
}

function isAtLeast(version: string, least: string): boolean {
  const [have, want] = [version, least].map((text) => text.split(".").map(Number));
  for (const [i, part] of (want ?? []).entries()) {
    const mine = have?.[i] ?? 0;
    if (mine !== part) return mine > part;
  }
  return true;
}
