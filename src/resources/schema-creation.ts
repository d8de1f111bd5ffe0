import type { Facts, WorktreeFacts } from "../discovery/facts.ts";
import { toBuffer } from "../host/fs/files.ts";
import { createBranch, emptySchema } from "../host/postgres/schema-branches.ts";
import { pendingSetup } from "../host/postgres/schemas.ts";
import type { SchemaMark } from "../model/schema-mark.ts";
import { runSchemaCommands } from "./schema-commands.ts";
import type { StepContext } from "./step-context.ts";

/** What is needed to create a schema for a worktree. */
export interface SchemaRequest {
  readonly mark: SchemaMark;
  readonly password: string;
  readonly worktree: WorktreeFacts;
  readonly facts: Facts;
}

/**
 * Creates a schema as a branch of the parent worktree's, or empty, and runs the project's commands for it.
 */
export async function makeSchema(host: StepContext, beginning: SchemaRequest): Promise<void> {
  const { branchProgress, branchOptions } = host;
  const { slug, path } = beginning.worktree;
  let mark: SchemaMark;
  try {
    // Announce it first, so that a shell opened at once already waits.
    branchProgress.set(slug, 0);
    mark = await begun(host, beginning);
  } finally {
    branchProgress.delete(slug);
  }
  branchOptions.delete(toBuffer(path).toString());
  host.warnings.set(slug, "schema", mark.note);
  if (mark.setup) await runSchemaCommands(host, { ...beginning, mark });
}

async function begun(host: StepContext, beginning: SchemaRequest): Promise<SchemaMark> {
  const { postgres, branchProgress, branchOptions } = host;
  const { worktree, password } = beginning;
  const { branch, maxSize, lockTimeout, migrate, seed } = worktree.settings.database;
  const mark: SchemaMark = { ...beginning.mark, ...(migrate || seed ? pendingSetup() : {}) };
  const said = branchOptions.consume(toBuffer(worktree.path).toString());
  const mode = said.mode ?? branch;
  const base = said.base ?? (worktree.isDefault ? undefined : await worktree.origin());
  if (mode === "empty" || base === undefined) {
    return emptySchema(postgres, mark, password);
  }
  branchProgress.useBase(base);
  return createBranch(postgres, branchProgress, mark, password, {
    base,
    mode,
    // An explicit `data` copies the rows regardless of their size.
    maxBytes: said.mode === "data" ? Number.POSITIVE_INFINITY : maxSize,
    lockTimeoutMs: lockTimeout,
  });
}
