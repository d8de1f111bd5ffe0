import fs from "node:fs";
import type { Layout } from "../../model/layout.ts";

/**
 * Where requests come in. A service that is to be stopped has its door closed
 * first: whoever comes then is turned away by the kernel at once, so nginx asks
 * the gate and no request is lost in a server that ends. Who is inside is known
 * from then on for sure, as nobody can come in.
 */
export class ListenSocket {
  readonly #socket: string;
  readonly #aside: string;

  constructor(layout: Layout, worktree: string, service: string) {
    const directory = `${layout.sockets}/${worktree}`;
    this.#socket = `${directory}/${service}.sock`;
    this.#aside = `${directory}/.${service}.aside`;
  }

  /** `tcp`: nginx prefers a socket to a port, so something that nobody listens on is put there. */
  hide(tcp: boolean): void {
    ifThere(() => fs.renameSync(this.#socket, this.#aside));
    // nginx only asks for the right to execute (test -x); connect(2) then refuses.
    if (tcp) ifThere(() => fs.writeFileSync(this.#socket, "", { mode: 0o700 }));
  }

  /** As it was. Also after a daemon that was cut off between closing and stopping. */
  restore(): void {
    const barred = fs.statSync(this.#socket, { throwIfNoEntry: false })?.isFile();
    if (barred) fs.rmSync(this.#socket, { force: true });
    if (fs.existsSync(this.#socket)) fs.rmSync(this.#aside, { force: true });
    else ifThere(() => fs.renameSync(this.#aside, this.#socket));
  }

  /** The copy that was closed has ended; what stands at its door is another one's. */
  discardHidden(): void {
    fs.rmSync(this.#aside, { force: true });
  }

  /** Nothing is left of a service that has ended. */
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
