import type { Facts, WorktreeFacts } from "../discovery/facts.ts";
import { toBuffer } from "../host/fs/files.ts";
import { createBranch, emptySchema } from "../host/postgres/schema-branches.ts";
import { pendingSetup } from "../host/postgres/schemas.ts";
import type { SchemaMark } from "../model/schema-mark.ts";
import { finishSchema } from "./schema-commands.ts";
import type { Host } from "./step-context.ts";

/** What a new schema needs to know about its worktree. */
export interface Beginning {
  readonly mark: SchemaMark;
  readonly password: string;
  readonly worktree: WorktreeFacts;
  readonly facts: Facts;
}

/** A branch of the schema of the worktree that this one was made from, or an empty schema. */
export async function beginSchema(host: Host, beginning: Beginning): Promise<void> {
  const { branching, intended } = host;
  const { slug, path } = beginning.worktree;
  let mark: SchemaMark;
  try {
    // Said before anything else, so that a shell that comes at once already waits.
    branching.set(slug, 0);
    mark = await begun(host, beginning);
  } finally {
    branching.delete(slug);
  }
  intended.delete(toBuffer(path).toString());
  host.notes.set(slug, "schema", mark.note);
  if (mark.setup) await finishSchema(host, { ...beginning, mark });
}

async function begun(host: Host, beginning: Beginning): Promise<SchemaMark> {
  const { postgres, branching, intended } = host;
  const { worktree, password } = beginning;
  const { branch, maxSize, lockTimeout, migrate, seed } = worktree.settings.database;
  const mark: SchemaMark = { ...beginning.mark, ...(migrate || seed ? pendingSetup() : {}) };
  const said = intended.use(toBuffer(worktree.path).toString());
  const mode = said.mode ?? branch;
  const base = said.base ?? (worktree.isDefault ? undefined : await worktree.origin());
  if (mode === "empty" || base === undefined) {
    return emptySchema(postgres, mark, password);
  }
  branching.useBase(base);
  return createBranch(postgres, branching, mark, password, {
    base,
    mode,
    // Who asks for the rows of this one gets them, however many they are.
    maxBytes: said.mode === "data" ? Number.POSITIVE_INFINITY : maxSize,
    lockTimeoutMs: lockTimeout,
  });
}
