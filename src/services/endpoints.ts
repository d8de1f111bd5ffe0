import type { WorktreeFacts } from "../discovery/facts.ts";
import type { Address } from "../host/net/probe.ts";
import type { Service } from "../model/worktree.ts";
import type { StepContext } from "../resources/step-context.ts";

/** The socket and port of a service, for counting its open connections. */
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
 * Returns the addresses of which one answers when the service is ready; empty if it has no HTTP. Socket
 * paths are relative to the daemon's working directory, as a socket address holds 108 bytes (unix(7)).
 */
export function addressesOf({ ports }: StepContext, worktree: string, service: Service): Address[] {
  const listen = service.backend?.listen ?? "socket";
  if (listen === "none") return [];
  const port = ports.get(`${worktree}/${service.slug}`);
  const socket: Address = { path: `${worktree}/${service.slug}.sock` };
  if (listen === "socket" || port === undefined) return [socket];
  return listen === "tcp" ? [{ port }] : [socket, { port }];
}
