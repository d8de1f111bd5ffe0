import type { WorktreeFacts } from "../../discovery/facts.ts";
import { namedWorktree } from "../../discovery/worktree-names.ts";
import { UnknownName, UserError } from "../../model/user-error.ts";
import type { Reconciler } from "../reconciler/reconciler.ts";
import type { ApiAnswer, ApiRequest, Route } from "./route.ts";

/**
 * Finds the worktree that a query parameter names; a relative path is resolved against `cwd`.
 *
 * @throws UnknownName when there is none
 */
export function namedIn(
  { worktrees }: Pick<Reconciler, "worktrees">,
  query: URLSearchParams,
  parameter: string,
): WorktreeFacts {
  return namedWorktree(worktrees, query.get(parameter) ?? "", query.get("cwd") ?? "/");
}

/** Makes a route from a call and the query parameters it accepts. */
export function taking(parameters: readonly string[], call: Route["call"]): Route {
  return { parameters, call };
}

/** Wraps a call that returns JSON; a UserError becomes an error answer. */
export function answering(
  work: (query: URLSearchParams) => Promise<unknown> | unknown,
): (request: ApiRequest) => Promise<ApiAnswer> {
  return refusing(async ({ query }) => ({ status: 200, json: await work(query) }));
}

/**
 * Turns a UserError into an answer: 404 for an unknown name, 409 for what the current state does not allow.
 */
export function refusing(
  call: (request: ApiRequest) => Promise<ApiAnswer>,
): (request: ApiRequest) => Promise<ApiAnswer> {
  return async (request) => {
    try {
      return await call(request);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      const status = error instanceof UnknownName ? 404 : 409;
      return { status, json: { error: error.message, next: error.next } };
    }
  };
}
