/** A backend that can only listen on TCP. */
export interface PortEntry {
  readonly worktree: string;
  readonly service: string;
  readonly port: number;
}

/**
 * Renders `run/ports.map` for nginx. Contains the default worktree's entries twice, as nginx uses the name
 * `.default` for addresses without a name.
 *
 * @param defaultWorktree the slug that `httpd/root/.default` links to
 */
export function portsMap(entries: readonly PortEntry[], defaultWorktree?: string): string {
  const lines = entries.flatMap(({ worktree, service, port }) => [
    `"${worktree}/${service}" ${port};`,
    ...(worktree === defaultWorktree ? [`".default/${service}" ${port};`] : []),
  ]);
  return [...lines.sort(), ""].join("\n");
}
