import type { Facts, WorktreeFacts } from "../facts/facts.ts";
import { runCommand } from "../host/first-command.ts";
import type { Host } from "../host/host.ts";
import { createBranch } from "../host/postgres/branching.ts";
import { createSchema, remarkSchema } from "../host/postgres/schemas.ts";
import type { SchemaMark } from "../model/mark.ts";
import { UserError } from "../model/user-error.ts";
import { worktreeVariables } from "../model/variables.ts";

/** What a new schema needs to know about its worktree. */
export interface Beginning {
  readonly mark: SchemaMark;
  readonly password: string;
  readonly worktree: WorktreeFacts;
  readonly facts: Facts;
}

/** A branch of the schema of the worktree that this one was made from, or an empty schema. */
export async function beginSchema(host: Host, beginning: Beginning): Promise<void> {
  const { postgres, branching } = host;
  const { worktree, password } = beginning;
  const { branch, maxSize, lockTimeout, migrate, seed } = worktree.settings.database;
  const mark: SchemaMark = { ...beginning.mark, ...(migrate || seed ? { setup: "pending" } : {}) };
  const mode = host.intended.get(worktree.name)?.mode ?? branch;
  const base = await baseOf(host, worktree);
  if (mode === "empty" || base === undefined) {
    await createSchema(postgres, mark, password);
  } else {
    try {
      branching.set(mark.worktree, 0);
      await createBranch(postgres, mark, password, {
        base,
        mode,
        maxBytes: maxSize,
        lockTimeoutMs: lockTimeout,
        onProgress: (fraction) => branching.set(mark.worktree, fraction),
        onNote: (text) => host.notes.set(mark.worktree, text),
      });
    } finally {
      branching.delete(mark.worktree);
    }
  }
  host.intended.delete(worktree.name);
  if (mark.setup) await finishSchema(host, { ...beginning, mark });
}

async function baseOf(host: Host, worktree: WorktreeFacts): Promise<string | undefined> {
  const intended = host.intended.get(worktree.name)?.base;
  return intended ?? (worktree.isDefault ? undefined : worktree.origin());
}

/**
 * Runs what the project names for a new schema, once. A failure is written down
 * and not tried again by itself.
 */
export async function finishSchema(host: Host, beginning: Beginning): Promise<void> {
  const { mark, worktree, password, facts } = beginning;
  const { migrate, seed } = worktree.settings.database;
  const commands = { "database.migrate": migrate, "database.seed": seed };
  const waiting = worktree.trust().waiting.find(({ what }) => what in commands);
  if (waiting) {
    throw new UserError(
      `${waiting.what} has not been approved, so the schema is not ready`,
      `ikigai trust ${worktree.slug}`,
    );
  }
  const environment = {
    ...worktreeVariables(worktree.slug, facts.layout, facts, password),
    PGPASSWORD: password,
  };
  let setup: SchemaMark["setup"] = "done";
  host.notes.delete(worktree.slug);
  for (const [what, argv] of Object.entries(commands)) {
    if (!argv) continue;
    const result = await runCommand(host.layout, worktree, argv, environment);
    if (result.ok) continue;
    setup = "failed";
    host.notes.set(worktree.slug, `${what} ${result.why}`);
    break;
  }
  await remarkSchema(host.postgres, { ...mark, setup });
}
