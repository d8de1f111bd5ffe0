import { findProject } from "../../discovery/project.ts";
import { readWorktrees } from "../../discovery/worktrees.ts";
import { UsageError } from "../../model/user-error.ts";
import { type Completable, completionScript, SHELLS } from "../completion-script.ts";
import type { Command, Run } from "../context.ts";

/** Prints the completion script of a shell; with `names`, the slugs of this project's worktrees. */
export const completionOf =
  (commands: readonly Command[]): Run =>
  async ({ cwd, out }, [shell = ""]) => {
    if (shell === "names") {
      const project = findProject(cwd);
      const worktrees = project ? readWorktrees(project.commonDir) : [];
      out(worktrees.map(({ slug }) => `${slug}\n`).join(""));
      return 0;
    }
    const known = SHELLS.find((name) => name === shell);
    if (!known) {
      throw new UsageError(
        `No completion for ${JSON.stringify(shell)}. Use ${SHELLS.join(", ")}.`,
        "ikigai completion bash",
      );
    }
    out(completionScript(known, completable(commands)));
    return 0;
  };

function completable(commands: readonly Command[]): Completable[] {
  return commands
    .filter(({ hidden }) => !hidden)
    .map(({ usage, options = [] }) => {
      const words = usage.split(" ").filter((word) => /^[a-z]/.test(word));
      return {
        words: words.join(" "),
        options: options.flatMap(([flags]) => flags.match(/--?[a-z][a-z-]*/g) ?? []),
        takesWorktree: /worktree|\[name\]|<name>/.test(usage) && words.at(-1) !== "add",
      };
    });
}
