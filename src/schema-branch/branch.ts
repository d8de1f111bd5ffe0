import type pg from "pg";
import {
  buildStructure,
  type Connections,
  copyRows,
  finishBuild,
  joinSnapshot,
  type ProgressWatch,
  publish,
} from "./build-schema.ts";
import { BranchError, sqlState } from "./errors.ts";
import { freshName } from "./inspect/read.ts";
import { readPointers } from "./inspect/values.ts";
import type { Refusal } from "./refusal.ts";
import { close, prepareSession } from "./session.ts";
import { openSource, type Source } from "./source.ts";
import { ident } from "./sql.ts";
import type { BranchOptions, BranchReport, Connect, Progress } from "./types.ts";
import { connectAs, createBuild, createBuildRole, removeBuildRole } from "./worker.ts";

const LOCK_TIMEOUT_MS = 5_000;

/**
 * Makes `target` a branch of `base`: the structure, and the rows of one snapshot. Builds under another name
 * and publishes the result at the end, so that it appears completely or not at all, however the process or
 * server ends. Does not block readers and writers of the base.
 *
 * @throws BranchError `refused` (naming every object, before anything is built), `busy` or `changed`
 * (retryable), `exists`, `missing`, `aborted`, `failed`.
 */
export async function branchSchema(
  connect: Connect,
  options: BranchOptions,
): Promise<BranchReport> {
  const started = performance.now();
  const clients: pg.Client[] = [];
  const build = freshName("build");
  const lockTimeout = options.lockTimeoutMs ?? LOCK_TIMEOUT_MS;
  const open = async () => {
    const client = await connect();
    // If the server dies, the running query reports it.
    client.on("error", () => undefined);
    clients.push(client);
    await prepareSession(client, lockTimeout);
    return client;
  };
  let joining: Promise<unknown> | undefined;
  const watch = watcher(options, clients, connect);
  try {
    watch.stop();
    const [source, owner] = await Promise.all([open(), open()]);
    await missingTarget(owner, options);
    const data = options.mode === "data";
    const worker = await createBuildRole(owner, build, options.base, { lens: true });
    const join = async () => {
      const session = await connectAs(owner, worker, `${ident(build)}, extensions`, lockTimeout);
      clients.push(session);
      return session;
    };
    const both = Promise.all([join(), join()]);
    joining = both.catch(() => undefined);
    const from = await openSource(
      source,
      { schema: options.base, as: build, role: options.owner },
      owner,
      data
        ? async (snapshot) => {
            const [first] = await both;
            await first.query("ROLLBACK");
            return joinSnapshot(first, snapshot, worker, options.base);
          }
        : null,
    );
    const sessions = await both;
    const pointing = await readPointers(sessions[0], from.survey, worker.places);
    refuse([...from.survey.refusals, ...pointing], options.base);
    await createBuild(owner, worker);
    const size = from.survey.tables.reduce((sum, table) => sum + table.bytes, 0);
    const tooLarge = data && options.maxBytes !== undefined && size > options.maxBytes;
    const mode = tooLarge ? "structure" : options.mode;
    if (data && mode === "structure") await sessions[0].query("ROLLBACK");
    const crew = { owner, worker, sessions };
    await make(source, crew, from, mode, watch);
    watch.tell("publish", 0, 1);
    await publish(crew, from, options);
    watch.tell("publish", 1, 1);
    return {
      target: options.target,
      mode,
      tables: from.survey.tables.length,
      bytes: mode === "data" ? size : 0,
      milliseconds: performance.now() - started,
      ...(tooLarge && {
        reason: `its rows take ${size} bytes, more than the limit of ${options.maxBytes}`,
      }),
      notes: from.survey.notes,
    };
  } catch (error) {
    await joining;
    await Promise.all(clients.splice(0).map(close));
    await removeBuild(connect, build);
    throw failure(error, options);
  } finally {
    watch.end();
    await Promise.all(clients.map(close));
  }
}

async function make(
  source: pg.Client,
  crew: Connections,
  from: Source,
  mode: "data" | "structure",
  watch: ProgressWatch,
): Promise<void> {
  if (mode === "structure") await source.query("ROLLBACK");
  await buildStructure(crew, from.survey, watch);
  if (mode === "data") {
    await copyRows(crew, from, watch);
    await source.query("COMMIT");
  }
  await finishBuild(crew, from.survey, watch);
}

function refuse(refusals: readonly Refusal[], base: string): void {
  if (refusals.length === 0) return;
  const list = refusals.map((each) => `${each.kind} ${each.object}: ${each.why}. ${each.next}`);
  throw new BranchError(
    "refused",
    `${base} cannot be branched:\n${list.map((line) => `  ${line}`).join("\n")}`,
    {
      next: "put these right, then: ikigai db branch; or: ikigai wt add --db empty",
      refusals,
    },
  );
}

async function missingTarget(client: pg.Client, options: BranchOptions): Promise<void> {
  const { rows } = await client.query<{ schema: boolean; role: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1) AS schema, EXISTS (SELECT FROM pg_roles WHERE rolname = $2) AS role`,
    [options.target, options.owner],
  );
  if (rows[0]?.schema) throw exists(options.target);
  if (!rows[0]?.role)
    throw new BranchError("missing", `There is no role ${options.owner} to own the branch.`, {
      next: "ikigai start",
    });
}

function exists(target: string): BranchError {
  return new BranchError("exists", `The schema ${target} exists already.`, {
    next: "ikigai db reset, to replace it",
  });
}

/** What to do first if the server ran out of a resource. */
const MAKE_ROOM: Readonly<Record<string, string>> = {
  "53100": "make room on the disk, then: ",
  "53200": "raise max_locks_per_transaction in postgresql.conf, then: ",
};

function failure(error: unknown, options: BranchOptions): unknown {
  if (error instanceof BranchError) return error;
  if (options.signal?.aborted)
    return new BranchError("aborted", `Branching ${options.base} was given up.`, {
      next: "ikigai db branch",
      cause: error,
    });
  const state = sqlState(error);
  if (state === "42P06") return exists(options.target);
  // 55P03 lock_not_available, 40P01 deadlock, XX000 "tuple concurrently updated" on the schema's row.
  const text = error instanceof Error ? error.message : String(error);
  const retryable =
    state === "55P03" || state === "40P01" || text.includes("tuple concurrently updated");
  const room = MAKE_ROOM[state ?? ""] ?? "";
  return new BranchError(
    retryable ? "busy" : "failed",
    `Branching ${options.base} failed: ${text}`,
    {
      next: `${room}ikigai db branch`,
      retryable,
      cause: error,
    },
  );
}

/** Removes a failed build at once; `sweepBuilds` removes later what cannot be removed now. */
async function removeBuild(connect: Connect, build: string): Promise<void> {
  let client: pg.Client | undefined;
  try {
    client = await connect();
    await prepareSession(client, LOCK_TIMEOUT_MS);
    await removeBuildRole(client, build);
  } catch {
    // The server itself may have failed.
  } finally {
    await close(client);
  }
}

/**
 * Reports progress and handles abortion: on a signal, cancels the running statements from a separate
 * connection.
 */
function watcher(
  options: BranchOptions,
  clients: readonly pg.Client[],
  connect: Connect,
): ProgressWatch & { end: () => void } {
  const { signal, onProgress } = options;
  const cancel = () => {
    void connect()
      .then(async (client) => {
        const pids = clients.flatMap((each) =>
          "processID" in each ? [Number(each.processID)] : [],
        );
        await client.query("SELECT pg_cancel_backend(pid) FROM unnest($1::int[]) AS p(pid)", [
          pids,
        ]);
        await client.end();
      })
      .catch(() => undefined);
  };
  signal?.addEventListener("abort", cancel, { once: true });
  return {
    tell: (phase: Progress["phase"], done, total) => onProgress?.({ phase, done, total }),
    stop: () => signal?.throwIfAborted(),
    end: () => signal?.removeEventListener("abort", cancel),
  };
}
