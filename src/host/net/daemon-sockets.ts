import fs from "node:fs";
import type { Server } from "node:net";
import type { Layout } from "../../model/layout.ts";
import { codeOf, statIfThere } from "../fs/files.ts";
import { isListening } from "./probe.ts";
import { listenInside } from "./unix-listen.ts";

/** One of the daemon's sockets. */
export interface DaemonSocket {
  readonly directory: string;
  readonly name: string;
  readonly make: () => Server;
}

interface Open {
  readonly server: Server;
  readonly identity: string | undefined;
}

/** Consecutive misses before a socket is recreated, so that a running `rm -rf .ikigai` can finish. */
const QUIET_LOOKS = 2;

/**
 * The daemon's sockets, and the directory of the services' sockets, which is the working directory. Recreates
 * them after they were deleted, because the daemon could not be reached otherwise.
 */
export class DaemonSockets {
  readonly #layout: Layout;
  readonly #entrances: readonly DaemonSocket[];
  readonly #journal: (line: string) => void;
  readonly #open = new Map<DaemonSocket, Open>();
  #standing: string | undefined;
  #missed = 0;

  constructor(layout: Layout, entrances: readonly DaemonSocket[], journal: (line: string) => void) {
    this.#layout = layout;
    this.#entrances = entrances;
    this.#journal = journal;
  }

  async open(): Promise<void> {
    this.#stand();
    for (const entrance of this.#entrances) await this.#listen(entrance);
  }

  /**
   * Checks the sockets and recreates deleted ones; to be called regularly.
   *
   * @returns `emptied` if the services' directory was recreated, `taken` if another daemon listens
   */
  async relisten(): Promise<"same" | "emptied" | "taken"> {
    const isAstray = identityOf(this.#layout.sockets) !== this.#standing;
    const lost = this.#entrances.filter(
      (entrance) => identityOf(pathOf(entrance)) !== this.#open.get(entrance)?.identity,
    );
    this.#missed = isAstray || lost.length > 0 ? this.#missed + 1 : 0;
    if (this.#missed < QUIET_LOOKS) return "same";
    this.#missed = 0;
    if (isAstray) {
      this.#stand();
      this.#journal(`${this.#layout.sockets} was deleted, and is made again`);
    }
    for (const entrance of lost) {
      if (await this.#from(entrance, () => isListening({ path: entrance.name }))) return "taken";
      await this.#listen(entrance);
      this.#journal(`${pathOf(entrance)} was deleted, and is made again`);
    }
    return isAstray ? "emptied" : "same";
  }

  close(): void {
    for (const { server } of this.#open.values()) server.close();
  }

  async #listen(entrance: DaemonSocket): Promise<void> {
    const server = entrance.make();
    // Close the old server first: libuv unlinks its path on close, relative to our working directory.
    this.#open.get(entrance)?.server.close();
    await this.#from(entrance, () => listenInside(server, entrance.directory, entrance.name));
    server.on("error", (error) => this.#journal(`${pathOf(entrance)}: ${String(error)}`));
    this.#open.set(entrance, { server, identity: identityOf(pathOf(entrance)) });
  }

  /** Runs `begin` in the socket's directory: with relative addresses no project's path is too long. */
  #from<T>({ directory }: DaemonSocket, begin: () => T): T {
    process.chdir(directory);
    try {
      return begin();
    } finally {
      process.chdir(this.#layout.sockets);
    }
  }

  #stand(): void {
    const { run, sockets } = this.#layout;
    for (const directory of [run, sockets]) makeIfAbsent(directory);
    process.chdir(sockets);
    this.#standing = identityOf(sockets);
  }
}

function pathOf({ directory, name }: DaemonSocket): string {
  return `${directory}/${name}`;
}

/** Includes the birth time, because inode numbers are reused. */
function identityOf(path: string): string | undefined {
  const stat = statIfThere(path);
  return stat && `${stat.dev}:${stat.ino}:${stat.birthtimeNs}`;
}

/** Does not create parents: nothing is created at a path that the project has been moved away from. */
function makeIfAbsent(directory: string): void {
  try {
    fs.mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  }
}
