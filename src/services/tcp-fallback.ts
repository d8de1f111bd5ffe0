import fs from "node:fs";
import type { WorktreeFacts } from "../discovery/facts.ts";
import { serviceConfiguration } from "../model/configuration/configuration.ts";
import type { Service } from "../model/worktree.ts";
import type { StepContext } from "../resources/step-context.ts";

/** The launches that get a socket path as PORT, which not every program supports. */
const MAY_TAKE_A_SOCKET: readonly string[] = ["node", "deno-task"];

/**
 * Tells whether a backend that ended during its start may support TCP only: it got a socket path as PORT
 * without a `listen` setting, and created no socket. Deno's own server always supports sockets.
 */
export function mayNeedPort(
  { layout }: StepContext,
  worktree: WorktreeFacts,
  service: Service,
): boolean {
  const { backend } = service;
  if (backend?.listen !== "socket" || !MAY_TAKE_A_SOCKET.includes(backend.launch.kind))
    return false;
  if (serviceConfiguration(worktree.settings, service.name).listen !== undefined) return false;
  return !fs.existsSync(`${layout.sockets}/${worktree.slug}/${service.slug}.sock`);
}

/** Tells whether a backend was given a port only because it once failed to create a socket. */
export function wasGivenPort({ backend }: Service): boolean {
  return backend?.listen === "either" && MAY_TAKE_A_SOCKET.includes(backend.launch.kind);
}
