/** A backend that can only listen on TCP. */
export interface PortEntry {
  readonly worktree: string;
  readonly service: string;
  readonly port: number;
}

/**
 * `run/ports.map`, as nginx reads it. nginx knows the default worktree by the
 * name `.default` where an address does not say its own, so its entries are
 * there twice.
 *
 * @param defaultWorktree the slug that `httpd/root/.default` leads to
 */
export function portsMap(entries: readonly PortEntry[], defaultWorktree?: string): string {
  const lines = entries.flatMap(({ worktree, service, port }) => [
    `"${worktree}/${service}" ${port};`,
    ...(worktree === defaultWorktree ? [`".default/${service}" ${port};`] : []),
  ]);
  return [...lines.sort(), ""].join("\n");
}
