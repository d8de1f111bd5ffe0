import type { WorktreeFacts } from "../../discovery/facts.ts";
import { namedWorktree } from "../../discovery/worktree-names.ts";
import { listRetired, type RetiredSchema, restoreSchema } from "../../host/postgres/retired.ts";
import { listSchemas } from "../../host/postgres/schemas.ts";
import { nearestName } from "../../model/nearest-name.ts";
import type { RetiredReport } from "../../model/reports.ts";
import { expiries, goesSoon } from "../../model/retention.ts";
import { schemaOf } from "../../model/slug.ts";
import { UnknownName, UserError } from "../../model/user-error.ts";
import { type GivenRetention, retentionNow } from "../jobs/retention.ts";
import type { Reconciler } from "../reconciler/reconciler.ts";
import { answering, taking } from "./answering.ts";
import type { Api } from "./route.ts";

/** Returns the routes `GET /v1/retired?of=NAME` and `POST /v1/restore?of=NAME&into=WORKTREE`. */
export function restoreApi(reconciler: Reconciler, retention: GivenRetention): Api {
  return {
    "GET /v1/retired": taking(
      ["of"],
      answering(async (query) => {
        const retired = await reportRetired(reconciler, retention);
        const of = query.get("of");
        if (of === null) return { retired };
        const found = retired.filter(({ name, schema }) => name === of || schema === of);
        if (found.length === 0) throw unknownData(retired, of);
        return { retired: found };
      }),
    ),
    "POST /v1/restore": taking(
      ["of", "into", "cwd"],
      answering(async (query) => {
        const name = query.get("of") ?? "";
        const into = query.get("into") ?? name;
        await reconciler.reconcileAll();
        const chosen = await chooseRetired(reconciler, name);
        const worktree = targetOf(reconciler, name, into, query.get("cwd") ?? "/");
        const { schema, mark } = await restoreInto(reconciler, chosen, worktree);
        return { schema, name: mark.worktree, into: worktree.slug };
      }),
    ),
  };
}

/**
 * Finds the worktree to restore into.
 *
 * @throws UnknownName when there is none
 */
function targetOf(reconciler: Reconciler, name: string, into: string, cwd: string): WorktreeFacts {
  try {
    return namedWorktree(reconciler.worktrees, into, cwd);
  } catch (error) {
    if (!(error instanceof UnknownName) || name !== into) throw error;
    throw new UnknownName(
      `There is no worktree ${into} to restore into.`,
      `git worktree add ${name}, or: ikigai wt restore ${name} --into WORKTREE`,
    );
  }
}

const CACHE_MS = 10_000;

/**
 * Returns a function that lists data which expires within a day; cached for ten seconds, empty while Postgres
 * is down.
 */
export function expiringSoon(
  reconciler: Reconciler,
  retention: GivenRetention,
): () => Promise<readonly RetiredReport[]> {
  let known: Promise<readonly RetiredReport[]> = Promise.resolve([]);
  let until = Number.NEGATIVE_INFINITY;
  return () => {
    if (performance.now() < until) return known;
    until = performance.now() + CACHE_MS;
    known = reportRetired(reconciler, retention).then(
      (all) => all.filter(({ soon }) => soon),
      () => [],
    );
    return known;
  };
}

/** Reports all retained data, the newest first. */
async function reportRetired(
  reconciler: Reconciler,
  given: GivenRetention,
): Promise<RetiredReport[]> {
  const { postgres, warnings } = reconciler.host;
  const { all, now, clock } = await listRetired(postgres);
  return expiries(all, retentionNow({ all, clock }, given())).map(
    ({ schema, mark, removed, size, goes }) => ({
      name: mark.worktree,
      schema,
      since: removed.toISOString(),
      size,
      path: mark.path ?? null,
      goes: new Date(Date.now() + goes.getTime() - now.getTime()).toISOString(),
      soon: goesSoon(goes, now),
      held: warnings.of(schema)[0] ?? null,
    }),
  );
}

/**
 * Restores data into a worktree. Retires the worktree's current schema first, so that restoring the
 * wrong data loses nothing.
 *
 * @throws UserError when the data was dropped meanwhile, or the current schema is not ikigai's
 */
async function restoreInto(
  reconciler: Reconciler,
  wanted: RetiredSchema,
  into: WorktreeFacts,
): Promise<RetiredSchema> {
  return reconciler.runAt(into.slug, async (worktree, facts) => {
    const { postgres } = reconciler.host;
    const chosen = await chooseRetired(reconciler, wanted.schema);
    const live = (await listSchemas(postgres, into.slug)).find(
      ({ schema }) => schema === schemaOf(into.slug),
    );
    if (live && !live.mark) throw new UserError(`${live.schema} was not made by ikigai.`);
    const mark = {
      ...chosen.mark,
      worktree: worktree.slug,
      identity: worktree.identity,
      secret: facts.secretId,
      path: Buffer.from(worktree.path).toString(),
    };
    const displaced = live?.mark ? { mark: live.mark, at: new Date() } : undefined;
    await restoreSchema(postgres, chosen.schema, mark, facts.passwordOf(worktree), displaced);
    return chosen;
  });
}

/**
 * Finds retained data by schema, by worktree (the data retired last), or by the worktree's former path.
 *
 * @throws UnknownName when there is none
 */
async function chooseRetired(reconciler: Reconciler, name: string): Promise<RetiredSchema> {
  const { all } = await listRetired(reconciler.host.postgres);
  const newestFirst = [...all].sort((a, b) => b.retired.getTime() - a.retired.getTime());
  const chosen =
    newestFirst.find(({ schema }) => schema === name) ??
    newestFirst.find(({ mark }) => mark.worktree === name) ??
    newestFirst.find(({ mark }) => mark.path === name);
  if (chosen) return chosen;
  throw unknownData(
    all.map(({ schema, mark }) => ({ schema, name: mark.worktree })),
    name,
  );
}

function unknownData(
  known: readonly { readonly name: string; readonly schema: string }[],
  of: string,
): UnknownName {
  const nearest = nearestName(of, [...new Set(known.map(({ name }) => name))]);
  const meant = nearest === undefined ? "." : `; did you mean ${nearest}?`;
  return new UnknownName(`There is no retained data of ${of}${meant}`, "ikigai wt restore --list");
}
