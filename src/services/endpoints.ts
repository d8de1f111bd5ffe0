import type { WorktreeFacts } from "../discovery/facts.ts";
import type { Address } from "../host/net/probe.ts";
import type { Service } from "../model/worktree.ts";
import type { StepContext } from "../resources/step-context.ts";

/** Where a service can be reached; for counting who is connected to it. */
export interface Endpoint {
  readonly key: string;
  readonly socket: string;
  readonly port: number | undefined;
}

export function endpointOf(
  { ports, socketPath }: StepContext,
  { slug: worktree }: WorktreeFacts,
  { slug }: Service,
): Endpoint {
  return {
    key: `${worktree}.${slug}`,
    socket: socketPath(worktree, slug),
    port: ports.get(`${worktree}/${slug}`),
  };
}

/**
 * Any of these answers when it is ready; there is none where it has no HTTP. Sockets are relative to the daemon's working
 * directory, since an address holds 108 bytes.
 */
export function addressesOf({ ports }: StepContext, worktree: string, service: Service): Address[] {
  const listen = service.backend?.listen ?? "socket";
  if (listen === "none") return [];
  const port = ports.get(`${worktree}/${service.slug}`);
  const socket: Address = { path: `${worktree}/${service.slug}.sock` };
  if (listen === "socket" || port === undefined) return [socket];
  return listen === "tcp" ? [{ port }] : [socket, { port }];
}
