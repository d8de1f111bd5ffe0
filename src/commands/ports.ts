import fs from "node:fs";
import { execa } from "execa";
import { codeOf, realPath } from "../host/files.ts";
import type { Configuration } from "../model/configuration.ts";
import type { Layout } from "../model/layout.ts";
import { UserError } from "../model/user-error.ts";

/** A process that listens on a port of loopback. */
interface PortHolder {
  /** For people: the project whose it is, else the program. */
  readonly who: string;
  /** Where it works; empty where that is not to be known. */
  readonly directory: string;
}

/** One of a project's ports, and who has it. */
export interface PortUse {
  readonly port: number;
  /** What to set for another one. */
  readonly key: "http.port" | "postgres.port";
  readonly holder: "nobody" | "this project" | { readonly other: string };
}

/** Asks the system for both ports. Where it cannot say (no ss(8)), nobody has them. */
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
export async function refuseTakenPorts(layout: Layout, settings: Configuration): Promise<void> {
  for (const { port, key, holder } of await portUses(layout, settings)) {
    if (typeof holder === "string") continue;
    throw new UserError(`Port ${port} is held by ${holder.other}.`, freePort(key));
  }
}

/** The next thing to type where a port is taken. */
export function freePort(key: PortUse["key"]): string {
  return `set ${key} to a free port in .ikigairc.json, then: ikigai restart`;
}

async function holderOf(port: number): Promise<PortHolder | undefined> {
  const { stdout } = await execa("ss", ["-Hltnp", `sport = :${port}`], { reject: false });
  const line = String(stdout ?? "")
    .split("\n")
    .find((text) => LOOPBACK.test(text.split(/\s+/)[3] ?? ""));
  if (line === undefined) return undefined;
  const named = [...line.matchAll(/\("([^"]*)",pid=(\d+)/g)];
  if (named.length === 0) return { who: "a process of another user", directory: "" };
  // A server's processes share the port; some may have ended since they were listed.
  const holders = named.flatMap(([, name = "", pid = ""]): PortHolder[] => {
    const directory = cwdOf(pid);
    if (directory === undefined) return [];
    const root = /^(.*)\/\.ikigai(\/|$)/.exec(directory)?.[1];
    return [
      { who: root === undefined ? `${name} (pid ${pid})` : `the project ${root}`, directory },
    ];
  });
  return holders.find(({ directory }) => directory !== "") ?? holders[0];
}

/** Addresses that a listener on 127.0.0.1 or ::1 would meet. */
const LOOPBACK = /^(127\.|0\.0\.0\.0:|\*:|\[::\]:|\[::1\]:)/;

/** Empty where it is not to be known; undefined when the process is no more. */
function cwdOf(pid: string): string | undefined {
  try {
    return fs.readlinkSync(`/proc/${pid}/cwd`);
  } catch (error) {
    return ["ENOENT", "ESRCH"].includes(codeOf(error) ?? "") ? undefined : "";
  }
}
