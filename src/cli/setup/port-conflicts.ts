import { realPath } from "../../host/fs/files.ts";
import { listenersOn } from "../../host/net/port-holders.ts";
import type { Configuration } from "../../model/configuration/configuration.ts";
import type { Layout } from "../../model/layout.ts";
import { UserError } from "../../model/user-error.ts";

/** One of a project's ports, and the process that listens on it. */
export interface PortUse {
  readonly port: number;
  /** The setting that changes it. */
  readonly key: "http.port" | "postgres.port";
  readonly holder: "nobody" | "this project" | { readonly other: string };
}

/** Finds out what listens on the project's two ports. */
export async function portUses(
  layout: Layout,
  { http, postgres }: Configuration,
): Promise<PortUse[]> {
  const ports = [
    ["http.port", http.port],
    ["postgres.port", postgres.port],
  ] as const;
  const homes = [layout.ikigai, realPath(layout.db)];
  return Promise.all(
    ports.map(async ([key, port]): Promise<PortUse> => {
      const holder = await holderOf(port);
      if (!holder) return { port, key, holder: "nobody" };
      const ours = homes.some((home) => `${holder.directory}/`.startsWith(`${home}/`));
      return { port, key, holder: ours ? "this project" : { other: holder.who } };
    }),
  );
}

/**
 * Checks before a start that no other process has one of the project's ports.
 *
 * @throws UserError that names the process
 */
export async function assertPortsFree(layout: Layout, settings: Configuration): Promise<void> {
  for (const { port, key, holder } of await portUses(layout, settings)) {
    if (typeof holder === "string") continue;
    throw new UserError(
      `Port ${port} is already in use by ${holder.other}.`,
      freePort(key, "start"),
    );
  }
}

/** The `next:` text for a port that is taken; `command` applies the new setting. */
export function freePort(key: PortUse["key"], command: "start" | "restart"): string {
  return `set ${key} to a free port in .ikigairc.json, then run: ikigai ${command}`;
}

/**
 * Describes the process that listens on a port: its ikigai project or its program, and its working directory.
 */
async function holderOf(port: number): Promise<{ who: string; directory: string } | undefined> {
  const listeners = await listenersOn(port);
  if (listeners === undefined) return undefined;
  // Of processes that share the port, some may have ended meanwhile or belong to another user.
  const known = listeners.find(({ directory }) => directory !== "") ?? listeners[0];
  if (!known) return { who: "a process of another user", directory: "" };
  const { name, pid, directory } = known;
  const root = /^(.*)\/\.ikigai(\/|$)/.exec(directory)?.[1];
  return { who: root === undefined ? `${name} (pid ${pid})` : `the project ${root}`, directory };
}
