import fs from "node:fs";
import type { Layout } from "../../model/layout.ts";

/**
 * The socket of a service. Before a service is stopped its socket is hidden: from then on the kernel refuses
 * new connections, so nginx asks the gate, and no request is lost in a server that is ending. The remaining
 * connections can then be counted reliably, as no new ones arrive.
 */
export class ListenSocket {
  readonly #socket: string;
  readonly #aside: string;

  constructor(layout: Layout, worktree: string, service: string) {
    const directory = `${layout.sockets}/${worktree}`;
    this.#socket = `${directory}/${service}.sock`;
    this.#aside = `${directory}/.${service}.aside`;
  }

  /**
   * Hides the socket. `tcp`: puts a file that nothing listens on in its place, because nginx prefers a socket
   * to a port.
   */
  hide(tcp: boolean): void {
    ifThere(() => fs.renameSync(this.#socket, this.#aside));
    // nginx only tests for execute permission (test -x); connect(2) is then refused.
    if (tcp) ifThere(() => fs.writeFileSync(this.#socket, "", { mode: 0o700 }));
  }

  /** Undoes `hide`, also for a daemon that was killed between hiding and stopping. */
  restore(): void {
    const barred = fs.statSync(this.#socket, { throwIfNoEntry: false })?.isFile();
    if (barred) fs.rmSync(this.#socket, { force: true });
    if (fs.existsSync(this.#socket)) fs.rmSync(this.#aside, { force: true });
    else ifThere(() => fs.renameSync(this.#aside, this.#socket));
  }

  /** Deletes the hidden socket after its process has ended; the visible one belongs to a newer process. */
  discardHidden(): void {
    fs.rmSync(this.#aside, { force: true });
  }

  /** Deletes all sockets of a service that has ended. */
  remove(): void {
    this.discardHidden();
    fs.rmSync(this.#socket, { force: true });
  }
}

function ifThere(act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
}
