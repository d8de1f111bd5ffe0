import type { WorktreeFacts } from "../facts/facts.ts";
import { listRetired, type RetiredSchema, restoreSchema } from "../host/postgres/retired.ts";
import { listSchemas } from "../host/postgres/schemas.ts";
import type { RetiredReport } from "../model/report.ts";
import { expiries, goesSoon } from "../model/retention.ts";
import { schemaOf } from "../model/slug.ts";
import { UserError } from "../model/user-error.ts";
import type { Api } from "./api.ts";
import type { Keeper } from "./keeper.ts";
import { type GivenRetention, retentionNow } from "./retention.ts";

/** `GET /v1/retired`, and `POST /v1/restore?of=NAME&into=WORKTREE`. */
export function restoreApi(keeper: Keeper, retention: GivenRetention): Api {
  const failed = (status: number, { message, next }: UserError) => ({
    status,
    json: { error: message, next },
  });
  return {
    "GET /v1/retired": async () => ({
      status: 200,
      json: { retired: await reportRetired(keeper, retention) },
    }),
    "POST /v1/restore": async ({ query }) => {
      const name = query.get("of") ?? "";
      const into = query.get("into") ?? name;
      await keeper.lookEverywhere();
      const worktree = keeper.worktrees.find((w) => w.slug === into || w.name === into);
      try {
        if (!worktree) throw unknownTarget(name, into);
        const { schema, mark } = await restoreInto(keeper, name, worktree);
        return { status: 200, json: { schema, name: mark.worktree, into: worktree.slug } };
      } catch (error) {
        if (error instanceof UserError) return failed(404, error);
        throw error;
      }
    },
  };
}

function unknownTarget(name: string, into: string): UserError {
  return new UserError(
    `There is no worktree ${into} to restore into.`,
    name === into
      ? `git worktree add ${name}, or: ikigai wt restore ${name} --into WORKTREE`
      : "ikigai wt list",
  );
}

const GOING_MS = 10_000;

/** What goes for good within a day, known for some seconds; nothing while Postgres is away. */
export function goingSoon(
  keeper: Keeper,
  retention: GivenRetention,
): () => Promise<readonly RetiredReport[]> {
  let known: Promise<readonly RetiredReport[]> = Promise.resolve([]);
  let until = Number.NEGATIVE_INFINITY;
  return () => {
    if (performance.now() < until) return known;
    until = performance.now() + GOING_MS;
    known = reportRetired(keeper, retention).then(
      (all) => all.filter(({ soon }) => soon),
      () => [],
    );
    return known;
  };
}

/** What can be restored, the newest first. */
async function reportRetired(keeper: Keeper, given: GivenRetention): Promise<RetiredReport[]> {
  const { postgres, notes } = keeper.host;
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
      held: notes.of(schema)[0] ?? null,
    }),
  );
}

/**
 * Brings data back into a worktree. What the worktree has now is put aside first,
 * so that nothing is lost by restoring the wrong thing.
 *
 * @param name a worktree's name (the data put aside last counts) or a schema's
 * @throws UserError when there is no such data or no such worktree
 */
async function restoreInto(
  keeper: Keeper,
  name: string,
  into: WorktreeFacts,
): Promise<RetiredSchema> {
  return keeper.runAt(into.slug, async (worktree, facts) => {
    const { postgres } = keeper.host;
    const chosen = await chooseRetired(keeper, name);
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

async function chooseRetired(keeper: Keeper, name: string): Promise<RetiredSchema> {
  const { all } = await listRetired(keeper.host.postgres);
  const exact = all.filter(({ schema }) => schema === name);
  const byName = all.filter(({ mark }) => mark.worktree === name);
  const [chosen] = [...exact, ...byName].sort((a, b) => b.retired.getTime() - a.retired.getTime());
  if (chosen) return chosen;
  throw new UserError(`No data of ${name} is put aside.`, "ikigai wt restore --list");
}
