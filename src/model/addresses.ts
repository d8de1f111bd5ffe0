import { worktreeUrl } from "./variables.ts";

/** What of a service decides at which addresses it answers. */
export interface Addressed {
  readonly slug: string;
  readonly unnamed: boolean;
  readonly frontend?: unknown;
}

/**
 * The address at which a service answers all that it is asked, without a slash behind it. By path only
 * a frontend is served at its root; a backend alone is, at an origin of its own.
 */
export function serviceUrl(
  worktree: string,
  { slug, unnamed, frontend }: Addressed,
  httpPort: number,
): string {
  const base = worktreeUrl(worktree, httpPort);
  if (frontend !== undefined) return unnamed ? base : `${base}/${slug}`;
  return `http://${unnamed ? "" : `${slug}.`}${worktree}.localhost:${httpPort}`;
}

/** The address that a worktree is shown with: of its unnamed service, of `web`, or of the first that it has. */
export function shownUrl(
  worktree: string,
  services: readonly (Addressed & { readonly name: string })[],
  httpPort: number,
): string {
  const first =
    services.find(({ unnamed }) => unnamed) ??
    services.find(({ name }) => name === "web") ??
    services[0];
  return first ? serviceUrl(worktree, first, httpPort) : worktreeUrl(worktree, httpPort);
}
