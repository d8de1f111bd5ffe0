import { worktreeUrl } from "./environment-variables.ts";
import type { Listen } from "./worktree.ts";

/** What of a service decides at which addresses it answers. */
export interface Addressed {
  readonly slug: string;
  readonly unnamed: boolean;
  readonly frontend?: unknown;
  readonly backend?: { readonly listen: Listen };
}

/**
 * The address at which a service answers all that it is asked, without a slash behind it. By path only
 * a frontend is served at its root; a backend alone is, at an origin of its own. Undefined where it has no HTTP.
 */
export function serviceUrl(
  worktree: string,
  { slug, unnamed, frontend, backend }: Addressed,
  httpPort: number,
): string | undefined {
  const base = worktreeUrl(worktree, httpPort);
  if (frontend !== undefined) return unnamed ? base : `${base}/${slug}`;
  if (backend?.listen === "none") return undefined;
  return `http://${unnamed ? "" : `${slug}.`}${worktree}.localhost:${httpPort}`;
}

/** The address that a worktree is shown with: of its unnamed service, of `web`, or of the first that it has. */
export function shownUrl(
  worktree: string,
  services: readonly (Addressed & { readonly name: string })[],
  httpPort: number,
): string {
  const urls = services.flatMap((service) => {
    const url = serviceUrl(worktree, service, httpPort);
    return url === undefined ? [] : [{ ...service, url }];
  });
  const first =
    urls.find(({ unnamed }) => unnamed) ?? urls.find(({ name }) => name === "web") ?? urls[0];
  return first?.url ?? worktreeUrl(worktree, httpPort);
}
