import type { WorktreeFacts } from "../../discovery/facts.ts";
import { namedWorktree } from "../../discovery/worktree-names.ts";
import { UnknownName, UserError } from "../../model/user-error.ts";
import type { Reconciler } from "../reconciler/reconciler.ts";
import type { ApiAnswer, ApiRequest, Route } from "./route.ts";

/**
 * The worktree that a parameter names; `cwd` is where a relative path begins.
 *
 * @throws UnknownName where there is none
 */
export function namedIn(
  { worktrees }: Pick<Reconciler, "worktrees">,
  query: URLSearchParams,
  parameter: string,
): WorktreeFacts {
  return namedWorktree(worktrees, query.get(parameter) ?? "", query.get("cwd") ?? "/");
}

/** A call and what its query may hold. */
export function taking(parameters: readonly string[], call: Route["call"]): Route {
  return { parameters, call };
}

/** A call whose result is JSON; what a person can put right is an answer as well. */
export function answering(
  work: (query: URLSearchParams) => Promise<unknown> | unknown,
): (request: ApiRequest) => Promise<ApiAnswer> {
  return refusing(async ({ query }) => ({ status: 200, json: await work(query) }));
}

/** 404 for what there is not, 409 for what cannot be done as things are. */
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
