import {
  createSchema,
  type FoundSchema,
  listSchemas,
  rekeySchema,
  restoreSchema,
  retireSchema,
} from "../host/postgres/schemas.ts";
import type { SchemaMark } from "../model/mark.ts";
import { schemaOf } from "../model/slug.ts";
import type { Resource } from "./resource.ts";

interface Want {
  readonly mark: SchemaMark;
  readonly password: string;
}

interface Have {
  /** The schema that has the worktree's name now. */
  readonly live?: FoundSchema;
  readonly retired: readonly FoundSchema[];
}

/** A schema and a role of the same name for each worktree. */
export const postgresSchema: Resource<Want, Have> = {
  kind: "schema",

  want(facts) {
    return new Map(
      facts.worktrees.map((worktree) => [
        worktree.slug,
        {
          mark: {
            worktree: worktree.slug,
            identity: worktree.identity,
            secret: facts.secretId,
          },
          password: facts.passwordOf(worktree),
        },
      ]),
    );
  },

  async have({ postgres }, scope) {
    const only = scope?.size === 1 ? [...scope][0] : undefined;
    const found = await listSchemas(postgres, only);
    const slugs = new Map<string, { live?: FoundSchema; retired: FoundSchema[] }>();
    const entry = (slug: string) => {
      const known = slugs.get(slug) ?? { retired: [] };
      slugs.set(slug, known);
      return known;
    };
    for (const schema of found) {
      // A schema without our mark that has a worktree's name is in the way of that worktree only.
      const slug = schema.mark?.worktree ?? schema.schema.replace(/^wt_/, "").replaceAll("_", "-");
      if (schema.mark?.retired) entry(slug).retired.push(schema);
      else if (schema.schema === schemaOf(slug)) entry(slug).live = schema;
    }
    return slugs;
  },

  differ(want, have) {
    const live = have?.live?.mark;
    if (!want) return live ? { action: "retire", why: "its worktree is gone" } : undefined;
    if (live && live.identity === want.mark.identity) {
      return live.secret === want.mark.secret
        ? undefined
        : { action: "update", why: "the project's secret is a new one" };
    }
    if (live) return { action: "replace", why: "its name was given to a new worktree" };
    return matching(want, have)
      ? { action: "restore", why: "its worktree is back" }
      : { action: "create", why: "its worktree has none yet" };
  },

  async apply({ postgres }, step, want, have) {
    if (have?.live && !have.live.mark) {
      throw new Error(
        `The schema ${have.live.schema} is there and was not made by ikigai. Rename it: ALTER SCHEMA ${have.live.schema} RENAME TO …`,
      );
    }
    if (step.action === "update" && want) return rekeySchema(postgres, want.mark, want.password);
    if (have?.live?.mark) await retireSchema(postgres, have.live.mark, new Date());
    if (!want) return;
    const aside = matching(want, have);
    if (aside) await restoreSchema(postgres, aside.schema, want.mark, want.password);
    else await createSchema(postgres, want.mark, want.password);
  },
};

/** What was put aside for this very worktree: its directory was away for a while. */
function matching(want: Want, have: Have | undefined): FoundSchema | undefined {
  return have?.retired.find(({ mark }) => mark?.identity === want.mark.identity);
}
