import { openProject } from "../../discovery/open-project.ts";
import type { Project } from "../../discovery/project.ts";
import { detectServices, strangeServices } from "../../discovery/services.ts";
import { serviceUrl, shownUrl } from "../../model/addresses.ts";
import { serviceConfiguration } from "../../model/configuration/configuration.ts";
import { problemLine } from "../../model/configuration/problems.ts";
import type { WorktreeReport } from "../../model/reports.ts";
import { schemaOf } from "../../model/slug.ts";
import { defaultFirst } from "../../reconcile/states.ts";
import type { Noticed } from "./notices.ts";

/** Reports on the worktrees from files alone, for while the daemon is not running. */
export async function offlineReports(project: Project): Promise<Noticed> {
  const { settings, worktrees } = await openProject(project);
  const { http } = settings.project;
  const reports = worktrees
    .filter((w) => w.state !== "gone")
    .map(async (worktree): Promise<WorktreeReport> => {
      const given = await settings.of(worktree.path);
      const { configuration, loaded } = given;
      const detected = detectServices(worktree.path, configuration.services);
      const { services, refused } = detected;
      const strange = strangeServices(given, detected);
      const own = loaded.status === "invalid" ? loaded.problems : [];
      const mistakes = [...own, ...strange.mistakes].map(problemLine);
      const state = mistakes.length > 0 ? "problem" : "ready";
      return {
        name: worktree.name,
        slug: worktree.slug,
        branch: worktree.branch ?? null,
        path: Buffer.from(worktree.path).toString(),
        default: worktree.isDefault,
        main: worktree.isMain,
        locked: worktree.locked ?? null,
        state: worktree.state === "unknown" ? "unknown" : state,
        schema: schemaOf(worktree.slug),
        url: shownUrl(worktree.slug, services, http.port),
        services: services.map((service) => ({
          name: service.name,
          slug: service.slug,
          state: service.backend ? "stopped" : "static",
          start: serviceConfiguration(configuration, service.name).start,
          url: serviceUrl(worktree.slug, service, http.port) ?? null,
        })),
        problems: mistakes.concat(refused.map(({ name, why }) => `${name}: ${why}`)),
        warnings: strange.warnings.map(problemLine),
      };
    });
  const problems = settings.problems.map(problemLine);
  return { worktrees: defaultFirst(await Promise.all(reports)), problems };
}
