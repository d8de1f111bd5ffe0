import { quoteShell } from "../../model/envrc.ts";
import type { Layout } from "../../model/layout.ts";
import { readIfThere, writeAtomically } from "../fs/files.ts";

/** Settings for the controls. Paths are absolute. */
export interface ShellSettings {
  readonly node: string;
  /** `dist/cli.cjs` and `dist/daemon.js` of this installation. Empty `daemon`: no daemon runs. */
  readonly cli: string;
  readonly daemon: string;
  readonly nginx: string;
  /** The directory of PostgreSQL's programs. */
  readonly postgresBin: string;
  readonly runsvdir: string;
  readonly runsv: string;
  readonly sv: string;
  readonly chpst: string;
  readonly svlogd: string;
  readonly httpPort: number;
  readonly postgresPort: number;
  /** The system account that Postgres runs as; empty for the account that starts it. */
  readonly postgresUser: string;
  /** The data directory; empty for `.ikigai/db`, wherever the project is moved. */
  readonly postgresData: string;
  /** The directory of the database owner's login, outside of the project. */
  readonly postgresOwner: string;
  /** Whether the owner may also log in over TCP, on loopback. */
  readonly ownerOverTcp: boolean;
  /** PATH of everything under runsvdir; `.ikigai/bin` is prepended. */
  readonly path: string;
  readonly denoVersion: string;
}

/**
 * Renders `.ikigai/scripts/settings`: shell assignments only, nothing that executes.
 *
 * @throws RangeError for a value that contains a NUL
 */
export function renderShellSettings(settings: ShellSettings): string {
  const lines = Object.entries(variablesOf(settings)).map(
    ([name, value]) => `${name}=${quoteShell(String(value))}\n`,
  );
  return `# Written by ikigai init; every script here reads it.\n${lines.join("")}`;
}

/** Writes the settings, readable only by the owner, if they differ. Returns whether they did. */
export function writeShellSettings(layout: Layout, settings: ShellSettings): boolean {
  const text = renderShellSettings(settings);
  if (readIfThere(layout.settings)?.toString() === text) return false;
  writeAtomically(layout.settings, text, { mode: 0o600 });
  return true;
}

/** Tells whether the written settings let the owner log in over TCP. */
export function isOwnerOverTcp(layout: Layout): boolean {
  const text = readIfThere(layout.settings)?.toString() ?? "";
  return text.split("\n").includes(`IKIGAI_PG_OWNER_TCP=${quoteShell("yes")}`);
}

function variablesOf(settings: ShellSettings): Record<string, string | number> {
  return {
    IKIGAI_NODE: settings.node,
    IKIGAI_CLI: settings.cli,
    IKIGAI_DAEMON: settings.daemon,
    IKIGAI_NGINX: settings.nginx,
    IKIGAI_PG_BIN: settings.postgresBin,
    IKIGAI_RUNSVDIR: settings.runsvdir,
    IKIGAI_RUNSV: settings.runsv,
    IKIGAI_SV: settings.sv,
    IKIGAI_CHPST: settings.chpst,
    IKIGAI_SVLOGD: settings.svlogd,
    IKIGAI_HTTP_PORT: settings.httpPort,
    IKIGAI_PG_PORT: settings.postgresPort,
    IKIGAI_PG_USER: settings.postgresUser,
    IKIGAI_PG_DATA: settings.postgresData,
    IKIGAI_PG_OWNER: settings.postgresOwner,
    IKIGAI_PG_OWNER_TCP: settings.ownerOverTcp ? "yes" : "",
    IKIGAI_PATH: settings.path,
    IKIGAI_DENO_VERSION: settings.denoVersion,
  };
}
