import {
  claimLogs,
  forgetTraffic,
  namesOfLogs,
  ownerOfLogs,
  retireLogs,
} from "../host/runit/worktree-logs.ts";
import type { Slug } from "../model/slug.ts";
import type { Resource } from "./resource.ts";

interface Want {
  readonly identity: string;
  readonly isDefault: boolean;
  /** The project is a copy, in which all identities are new. */
  readonly adopts: boolean;
}

/**
 * The ownership of logs by worktree: a later worktree of the same name must not show an earlier one's logs.
 */
export const worktreeLogs: Resource<Want, string> = {
  kind: "logs",

  desired(facts) {
    return new Map(
      facts.worktrees.map(({ slug, identity, isDefault }) => [
        slug,
        { identity, isDefault, adopts: facts.copied },
      ]),
    );
  },

  async observe({ layout }, scope) {
    const slugs: readonly Slug[] = scope ? [...scope] : namesOfLogs(layout);
    const found = slugs.map((slug) => [slug, ownerOfLogs(layout, slug)] as const);
    return new Map(found.flatMap(([slug, owner]) => (owner === undefined ? [] : [[slug, owner]])));
  },

  compare(want, have) {
    if (!want) return { action: "retire", why: "its worktree was removed" };
    if (have === undefined) return { action: "create", why: "they belong to no worktree yet" };
    if (have === want.identity) return undefined;
    return want.adopts
      ? { action: "update", why: "the project was copied" }
      : { action: "replace", why: "its name was given to a new worktree" };
  },

  async apply({ layout, serviceDirectories }, step, want) {
    if (step.action === "replace" || step.action === "retire") {
      // Services of the old worktree that are still running would write into the new one's logs.
      const running = serviceDirectories.names().filter((name) => name.startsWith(`${step.key}.`));
      await Promise.all(running.map((name) => serviceDirectories.remove(name)));
      retireLogs(layout, step.key);
      if (want?.isDefault) forgetTraffic(layout, ".default");
    }
    if (want) claimLogs(layout, step.key, want.identity);
  },
};
