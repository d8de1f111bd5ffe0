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
const MISSES_BEFORE_RECREATION = 2;

/**
 * The daemon's sockets, and the directory of the services' sockets, which is the working directory. Recreates
 * them after they were deleted, because the daemon could not be reached otherwise.
 */
export class DaemonSockets {
  readonly #layout: Layout;
  readonly #daemonSockets: readonly DaemonSocket[];
  readonly #journal: (line: string) => void;
  readonly #open = new Map<DaemonSocket, Open>();
  #directoryIdentity: string | undefined;
  #missed = 0;

  constructor(
    layout: Layout,
    daemonSockets: readonly DaemonSocket[],
    journal: (line: string) => void,
  ) {
    this.#layout = layout;
    this.#daemonSockets = daemonSockets;
    this.#journal = journal;
  }

  async open(): Promise<void> {
    this.#enterDirectory();
    for (const daemonSocket of this.#daemonSockets) await this.#listen(daemonSocket);
  }

  /**
   * Checks the sockets and recreates deleted ones; to be called regularly.
   *
   * @returns `emptied` if the services' directory was recreated, `taken` if another daemon listens
   */
  async relisten(): Promise<"same" | "emptied" | "taken"> {
    const isReplaced = identityOf(this.#layout.sockets) !== this.#directoryIdentity;
    const lost = this.#daemonSockets.filter(
      (daemonSocket) => identityOf(pathOf(daemonSocket)) !== this.#open.get(daemonSocket)?.identity,
    );
    this.#missed = isReplaced || lost.length > 0 ? this.#missed + 1 : 0;
    if (this.#missed < MISSES_BEFORE_RECREATION) return "same";
    this.#missed = 0;
    if (isReplaced) {
      this.#enterDirectory();
      this.#journal(`${this.#layout.sockets} was deleted, and is made again`);
    }
    for (const daemonSocket of lost) {
      if (await this.#from(daemonSocket, () => isListening({ path: daemonSocket.name })))
        return "taken";
      await this.#listen(daemonSocket);
      this.#journal(`${pathOf(daemonSocket)} was deleted, and is made again`);
    }
    return isReplaced ? "emptied" : "same";
  }

  close(): void {
    for (const { server } of this.#open.values()) server.close();
  }

  async #listen(daemonSocket: DaemonSocket): Promise<void> {
    const server = daemonSocket.make();
    // Close the old server first: libuv unlinks its path on close, relative to our working directory.
    this.#open.get(daemonSocket)?.server.close();
    await this.#from(daemonSocket, () =>
      listenInside(server, daemonSocket.directory, daemonSocket.name),
    );
    server.on("error", (error) => this.#journal(`${pathOf(daemonSocket)}: ${String(error)}`));
    this.#open.set(daemonSocket, { server, identity: identityOf(pathOf(daemonSocket)) });
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

  #enterDirectory(): void {
    const { run, sockets } = this.#layout;
    for (const directory of [run, sockets]) makeIfAbsent(directory);
    process.chdir(sockets);
    this.#directoryIdentity = identityOf(sockets);
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
