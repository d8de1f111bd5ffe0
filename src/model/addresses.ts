import { worktreeUrl } from "./environment-variables.ts";
import type { Listen } from "./worktree.ts";

/** The fields of a service that determine its address. */
export interface Addressed {
  readonly slug: string;
  readonly unnamed: boolean;
  readonly frontend?: unknown;
  readonly backend?: { readonly listen: Listen };
}

/**
 * Returns the address of a service, without a trailing slash: a path for a service with a frontend; an
 * origin of its own for a backend alone, because paths route only `/api` to backends; undefined without HTTP.
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

/**
 * Returns the address to show for a worktree: of its unnamed service, else of `web`, else of its first
 * service.
 */
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
