import type { Facts, WorktreeFacts } from "../discovery/facts.ts";
import { toBuffer } from "../host/fs/files.ts";
import { restoreSchema, retireSchema } from "../host/postgres/retired.ts";
import {
  adoptRecreated,
  type FoundSchema,
  listSchemas,
  resetRolePassword,
  writeSchemaMark,
} from "../host/postgres/schemas.ts";
import { endSetupCommands } from "../host/process/setup-command.ts";
import type { SchemaMark } from "../model/schema-mark.ts";
import { schemaOf } from "../model/slug.ts";
import type { Resource } from "./resource.ts";
import { creationWarning, runSchemaCommands } from "./schema-commands.ts";
import { makeSchema } from "./schema-creation.ts";

interface Want {
  readonly mark: SchemaMark;
  readonly password: string;
  readonly worktree: WorktreeFacts;
  readonly facts: Facts;
  /** The project is a copy: all identities are new, so schemas are matched by name. */
  readonly adopts: boolean;
}

interface Have {
  /** The schema with the worktree's name. */
  readonly live?: FoundSchema;
  readonly retired: readonly FoundSchema[];
}

/** A schema and a role of the same name for each worktree. */
export const postgresSchema: Resource<Want, Have> = {
  kind: "schema",

  desired(facts) {
    return new Map(
      facts.worktrees.map((worktree) => [
        worktree.slug,
        {
          mark: {
            worktree: worktree.slug,
            identity: worktree.identity,
            secret: facts.secretId,
            path: toBuffer(worktree.path).toString(),
          },
          password: facts.passwordOf(worktree),
          worktree,
          facts,
          adopts: facts.copied,
        },
      ]),
    );
  },

  async observe({ postgres }, scope) {
    const only = scope?.size === 1 ? [...scope][0] : undefined;
    const found = await listSchemas(postgres, only);
    const slugs = new Map<string, { live?: FoundSchema; retired: FoundSchema[] }>();
    const entry = (slug: string) => {
      const known = slugs.get(slug) ?? { retired: [] };
      slugs.set(slug, known);
      return known;
    };
    for (const schema of found) {
      // A schema with a worktree's name but without our mark blocks only that worktree.
      const slug = schema.mark?.worktree ?? schema.schema.replace(/^wt_/, "").replaceAll("_", "-");
      if (schema.mark?.retired) entry(slug).retired.push(schema);
      else if (schema.schema === schemaOf(slug)) entry(slug).live = schema;
    }
    return slugs;
  },

  compare(want, have) {
    const live = have?.live?.mark;
    if (!want) return live ? { action: "retire", why: "its worktree was removed" } : undefined;
    if (live && live.identity === want.mark.identity) {
      if (live.secret !== want.mark.secret) {
        return { action: "update", why: "the project has a new secret" };
      }
      if (live.path !== want.mark.path) return { action: "update", why: "the worktree moved" };
      return live.setup === "pending"
        ? { action: "update", why: "the project's commands for a new schema have not run" }
        : undefined;
    }
    if (live && want.adopts) return { action: "update", why: "the project was copied" };
    if (live) return { action: "replace", why: "its name was given to a new worktree" };
    return matching(want, have)
      ? { action: "restore", why: "its worktree is back" }
      : { action: "create", why: "its worktree has none yet" };
  },

  warning({ live }) {
    return live?.mark && creationWarning(live.mark);
  },

  async apply(host, step, want, have) {
    const { postgres } = host;
    if (have?.live && !have.live.mark) {
      if (want && (await adoptRecreated(postgres, want.mark, want.password))) return;
      throw new Error(
        `The schema ${have.live.schema} already exists and was not made by ikigai. Rename it: ALTER SCHEMA ${have.live.schema} RENAME TO …`,
      );
    }
    if (step.action === "update" && want && have?.live?.mark) {
      const { secret, identity } = have.live.mark;
      const known = secret === want.mark.secret && identity === want.mark.identity;
      const mark = { ...have.live.mark, ...want.mark };
      if (known && mark.setup === "pending") return runSchemaCommands(host, { ...want, mark });
      return known
        ? writeSchemaMark(postgres, mark)
        : resetRolePassword(postgres, mark, want.password);
    }
    if (have?.live?.mark?.setup === "pending") {
      await endSetupCommands(host.layout, have.live.mark.worktree);
    }
    if (have?.live?.mark) await retireSchema(postgres, have.live.mark, new Date());
    if (!want) return;
    const aside = matching(want, have);
    const mark = { ...aside?.mark, ...want.mark };
    if (aside) await restoreSchema(postgres, aside.schema, mark, want.password);
    else await makeSchema(host, want);
  },
};

/** Finds the schema retired last for this same worktree, whose directory was missing for a while. */
function matching(want: Want, have: Have | undefined): FoundSchema | undefined {
  return have?.retired
    .filter(({ mark }) => mark?.identity === want.mark.identity)
    .sort((a, b) => retiredAt(b) - retiredAt(a))[0];
}

function retiredAt({ mark }: FoundSchema): number {
  return mark?.retiredAt ?? new Date(mark?.retired ?? 0).getTime();
}
