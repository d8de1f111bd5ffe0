import fs from "node:fs";
import type { WorktreeFacts } from "../discovery/facts.ts";
import { serviceConfiguration } from "../model/configuration/configuration.ts";
import type { Service } from "../model/worktree.ts";
import type { StepContext } from "../resources/step-context.ts";

/** The launches whose PORT is a socket's path, which not every program takes. */
const MAY_TAKE_A_SOCKET: readonly string[] = ["node", "deno-task"];

/**
 * Whether a backend that ended at its start may be one that can only listen on
 * TCP: it was told a socket as PORT, nobody said that it can take one, and it
 * made none. Deno's own server always takes one.
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

/** Whether a backend was given a port only because it once made no socket. */
export function wasGivenPort({ backend }: Service): boolean {
  return backend?.listen === "either" && MAY_TAKE_A_SOCKET.includes(backend.launch.kind);
}
