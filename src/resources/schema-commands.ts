import type { Facts, WorktreeFacts } from "../discovery/facts.ts";
import { writeSchemaMark } from "../host/postgres/schemas.ts";
import { forgetSetupCommands, hasBegun, runSetupCommand } from "../host/process/setup-command.ts";
import { worktreeVariables } from "../model/environment-variables.ts";
import type { SchemaMark } from "../model/schema-mark.ts";
import { UserError } from "../model/user-error.ts";
import type { StepContext } from "./step-context.ts";

interface Unfinished {
  readonly mark: SchemaMark;
  readonly password: string;
  readonly worktree: WorktreeFacts;
  readonly facts: Facts;
}

/**
 * Runs the project's commands for a new schema, once. Records a failure and does not retry by itself.
 * Skips the seed if the schema was branched with rows.
 *
 * @throws UserError while a command is not approved, or waits for the worktree to be requested
 */
export async function runSchemaCommands(host: StepContext, unfinished: Unfinished): Promise<void> {
  const { mark, worktree, password, facts } = unfinished;
  const { slug } = worktree;
  const { migrate, seed } = worktree.settings.database;
  const commands = Object.entries({
    "database.migrate": migrate,
    "database.seed": mark.rows ? undefined : seed,
  });
  const waiting = worktree
    .trust()
    .waiting.find(({ what, kind }) =>
      kind === "configuration" ? true : commands.some(([key, argv]) => argv && key === what),
    );
  if (waiting) {
    throw new UserError(
      `${waiting.what} has not been approved, so the schema is not ready`,
      `ikigai trust ${slug}`,
    );
  }
  const round = mark.round ?? "first";
  if (!hasBegun(host.layout, slug, round)) await awaitAsking(host, worktree, commands);
  const environment = {
    ...worktreeVariables(slug, facts.layout, facts, password),
    PGPASSWORD: password,
  };
  const { why: _, round: __, ...kept } = mark;
  host.warnings.set(slug, "schema", mark.note);
  let done: SchemaMark = { ...kept, setup: "done" };
  for (const [what, argv] of commands) {
    if (!argv) continue;
    host.warnings.set(slug, "setup", `${what} is running; its output: ikigai logs ${slug}/setup`);
    const step = what.replace("database.", "");
    const command = { argv, environment, step, round };
    const result = await runSetupCommand(host.layout, worktree, command, host.ending);
    if (result.ok) continue;
    // Interrupted, as the worktree or the daemon is going away: the next reconcile decides again.
    if (result.ended) return;
    done = { ...kept, setup: "failed", why: `${what} ${result.why}` };
    break;
  }
  await writeSchemaMark(host.postgres, done);
  forgetSetupCommands(host.layout, slug);
  host.warnings.set(slug, "setup", undefined);
  host.warnings.set(slug, "schema", creationWarning(done));
}

/**
 * Approval covers the command line, not the scripts of the branch that it runs. Therefore the commands
 * start automatically only if the default worktree's history contains the commit; otherwise this waits
 * until the worktree is requested.
 *
 * @throws UserError while waiting
 */
async function awaitAsking(
  { requested }: StepContext,
  { slug, identity, contained, services }: WorktreeFacts,
  commands: readonly (readonly [string, readonly string[] | undefined])[],
): Promise<void> {
  const [what] = commands.find(([, argv]) => argv) ?? [];
  if (what === undefined || requested.has(identity) || (await contained())) return;
  throw new UserError(
    `${what} waits for the first request to ${slug}, because its commit is not in the default worktree's history`,
    `${services.some(({ backend }) => backend) ? `ikigai up ${slug} or ` : ""}ikigai db setup ${slug}`,
  );
}

/** Returns the warning about the creation of a schema; undefined if there is none. */
export function creationWarning({ note, setup, why, worktree }: SchemaMark): string | undefined {
  const failed =
    setup === "failed"
      ? `${why ?? "a command for the new schema failed"}; its output: ikigai logs ${worktree}/setup; to run it again: ikigai db setup ${worktree}`
      : undefined;
  return [note, failed].filter((text) => text !== undefined).join("; ") || undefined;
}
