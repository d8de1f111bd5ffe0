import { realPath } from "../../host/fs/files.ts";
import { listenersOn } from "../../host/net/port-holders.ts";
import type { Configuration } from "../../model/configuration/configuration.ts";
import type { Layout } from "../../model/layout.ts";
import { UserError } from "../../model/user-error.ts";

/** One of a project's ports, and who has it. */
export interface PortUse {
  readonly port: number;
  /** What to set for another one. */
  readonly key: "http.port" | "postgres.port";
  readonly holder: "nobody" | "this project" | { readonly other: string };
}

/** Asks the system for both ports. */
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

/** @throws UserError that names whoever has a port of ours, before anything is started */
export async function assertPortsFree(layout: Layout, settings: Configuration): Promise<void> {
  for (const { port, key, holder } of await portUses(layout, settings)) {
    if (typeof holder === "string") continue;
    throw new UserError(`Port ${port} is held by ${holder.other}.`, freePort(key));
  }
}

/** The next thing to type where a port is taken. */
export function freePort(key: PortUse["key"]): string {
  return `set ${key} to a free port in .ikigairc.json, then: ikigai restart`;
}

/** For people: the project whose it is, else the program; and where it works. */
async function holderOf(port: number): Promise<{ who: string; directory: string } | undefined> {
  const listeners = await listenersOn(port);
  if (listeners === undefined) return undefined;
  // Processes that share the port may have ended since, or be another user's.
  const known = listeners.find(({ directory }) => directory !== "") ?? listeners[0];
  if (!known) return { who: "a process of another user", directory: "" };
  const { name, pid, directory } = known;
  const root = /^(.*)\/\.ikigai(\/|$)/.exec(directory)?.[1];
  return { who: root === undefined ? `${name} (pid ${pid})` : `the project ${root}`, directory };
}
