import type { WorktreeFacts } from "../../discovery/facts.ts";
import { worktreeHolding } from "../../discovery/worktree-of-directory.ts";
import { toBuffer } from "../../host/fs/files.ts";
import { retireSchema } from "../../host/postgres/retired.ts";
import { assertBranchable } from "../../host/postgres/schema-branches.ts";
import { listSchemas, pendingSetup, writeSchemaMark } from "../../host/postgres/schemas.ts";
import { listSizes } from "../../host/postgres/sizes.ts";
import { retiredName } from "../../model/schema-mark.ts";
import { schemaOf } from "../../model/slug.ts";
import { UserError } from "../../model/user-error.ts";
import type { BranchMode, RequestedBranch } from "../../resources/state/branch-options.ts";
import { diffSchemas } from "../../schema-branch/index.ts";
import type { Reconciler } from "../reconciler/reconciler.ts";
import { answering, namedIn, taking } from "./answering.ts";
import type { Api } from "./route.ts";

const MODES: readonly string[] = ["data", "structure", "empty"] satisfies BranchMode[];

/** Returns the routes `/v1/db`, `/v1/wait` and `/v1/intend`. */
export function databaseApi(reconciler: Reconciler): Api {
  const { postgres, branchOptions } = reconciler.host;
  return {
    "GET /v1/db": taking(
      ["of", "cwd"],
      answering(async (query) => {
        const schemas = await listSizes(postgres);
        const of = query.get("of");
        if (of === null) return { schemas };
        const found = schemas.filter(({ worktree, schema }) => worktree === of || schema === of);
        // The name of a removed worktree is known only from its schemas.
        if (found.length > 0) return { schemas: found };
        const { slug } = namedIn(reconciler, query, "of");
        return { schemas: schemas.filter(({ worktree }) => worktree === slug) };
      }),
    ),
    "GET /v1/db/diff": taking(
      ["from", "to", "cwd"],
      answering(async (query) => {
        const [from, to] = [namedIn(reconciler, query, "from"), namedIn(reconciler, query, "to")];
        return postgres.use((client) =>
          diffSchemas(client, schemaOf(from.slug), schemaOf(to.slug)),
        );
      }),
    ),
    "POST /v1/db/reset": taking(
      ["of", "from", "mode", "cwd"],
      answering((query) => {
        const worktree = namedIn(reconciler, query, "of");
        const base = query.get("from");
        const mode = modeIn(query.get("mode"));
        return reset(reconciler, worktree, {
          ...(mode ? { mode } : {}),
          ...(base ? { base: namedIn(reconciler, query, "from").slug } : {}),
        });
      }),
    ),
    "POST /v1/db/setup": taking(
      ["of", "cwd"],
      answering((query) => setUpAgain(reconciler, namedIn(reconciler, query, "of"))),
    ),
    // Called before `git worktree add`; without `mode` and `from` it deletes an earlier intention.
    "POST /v1/intend": taking(
      ["path", "mode", "from"],
      answering(async (query) => {
        const path = query.get("path") ?? "";
        const mode = modeIn(query.get("mode"));
        const base = worktreeHolding(reconciler.worktrees, query.get("from") ?? "")?.slug;
        if (mode || base)
          branchOptions.set(path, { ...(mode ? { mode } : {}), ...(base ? { base } : {}) });
        else branchOptions.delete(path);
        return {};
      }),
    ),
    "GET /v1/wait": taking(
      ["of", "cwd"],
      answering(async (query) => {
        const worktree = namedIn(reconciler, query, "of");
        await reconciler.runAt(worktree.slug, async () => {});
        const problems = reconciler.problemsOf(worktree.slug);
        if (problems.length > 0) throw new UserError(problems.join("\n"), "ikigai status");
        return { worktree: worktree.slug };
      }),
    ),
  };
}

/** Retires the current schema, so that it can be restored, and creates a new one. */
async function reset(
  reconciler: Reconciler,
  worktree: WorktreeFacts,
  intention: RequestedBranch,
): Promise<unknown> {
  const { postgres, branchOptions } = reconciler.host;
  reconciler.markRequested(worktree.slug);
  const base = intention.base ?? (worktree.isDefault ? undefined : await worktree.origin());
  const mode = intention.mode ?? worktree.settings.database.branch;
  if (base === worktree.slug) throw new UserError(`${base} cannot be a branch of itself.`);
  if (base !== undefined && mode !== "empty") await assertBranchable(postgres, base);
  const aside = await reconciler.runAt(worktree.slug, async () => {
    const live = await liveSchema(reconciler, worktree);
    if (live && !live.mark) throw new UserError(`${live.schema} was not made by ikigai.`);
    branchOptions.set(toBuffer(worktree.path).toString(), intention);
    if (!live?.mark) return undefined;
    const at = new Date();
    // Change its identity: under its own, the reconcile that follows would restore it at once.
    const kept = await retireSchema(postgres, { ...live.mark, identity: "replaced" }, at);
    return kept === "retired" ? retiredName(worktree.slug, at) : undefined;
  });
  const problems = reconciler.problemsOf(worktree.slug);
  if (problems.length > 0) {
    const back = aside && `to restore its old data: ikigai wt restore ${worktree.slug}`;
    throw new UserError(problems.join("\n"), back);
  }
  return { worktree: worktree.slug, schema: schemaOf(worktree.slug), aside };
}

/** Runs the project's commands for a new schema again. */
async function setUpAgain(reconciler: Reconciler, worktree: WorktreeFacts): Promise<unknown> {
  const { slug, settings } = worktree;
  const { migrate, seed } = settings.database;
  if (!migrate && !seed) {
    throw new UserError(
      `Neither database.migrate nor database.seed is set for ${slug}.`,
      "see docs/configuration.md",
    );
  }
  reconciler.markRequested(slug);
  await reconciler.runAt(slug, async () => {
    const live = await liveSchema(reconciler, worktree);
    if (live?.mark)
      await writeSchemaMark(reconciler.host.postgres, { ...live.mark, ...pendingSetup() });
  });
  const problems = reconciler.problemsOf(slug);
  if (problems.length > 0) throw new UserError(problems.join("\n"));
  const mark = (await liveSchema(reconciler, worktree))?.mark;
  if (mark?.setup === "failed") throw new UserError(mark.why ?? "", `ikigai logs ${slug}/setup`);
  return { worktree: slug };
}

async function liveSchema(reconciler: Reconciler, { slug }: WorktreeFacts) {
  const found = await listSchemas(reconciler.host.postgres, slug);
  return found.find(({ schema }) => schema === schemaOf(slug));
}

function modeIn(text: string | null): BranchMode | undefined {
  if (text === null) return undefined;
  if (MODES.includes(text)) return text as BranchMode;
  throw new UserError(`Unknown mode "${text}". Use data, structure or empty.`);
}
