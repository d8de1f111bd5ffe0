import fs from "node:fs";
import net from "node:net";
import { execa } from "execa";
import type { Layout } from "../../../model/layout.ts";
import { listIfThere, statIfThere } from "../../fs/files.ts";
import { logErrors } from "../../timers/interval.ts";

/** As many as the hook tries; so few that all requests together fit into a pipe that nobody reads. */
const PIPES = 32;
/** Longer than a hook waits: nobody gets an answer that was another's. */
const KEPT_MS = 250;
/** Taken by a hook that was killed before it could say so. */
const LOST_MS = 10_000;
const TEST = "test\n";

/** Told of each administrative directory that the hook names; the hook waits until it settles. */
export type HookTold = (gitDir: Buffer) => Promise<unknown>;

/**
 * Answers git's hook through named pipes in `run/hook`, which a shell can use without another
 * program. The hook goes by the file `daemon` in there, which is written last: where pipes do not
 * work it is never there, and the hook asks at the socket.
 */
export class HookPipes {
  readonly #directory: string;
  readonly #told: HookTold;
  readonly #journal: (line: string) => void;
  readonly #releases = new Map<string, NodeJS.Timeout>();
  #requests: net.Socket | undefined;
  #rest = Buffer.alloc(0);
  #sweptAt = performance.now();
  #proven: (() => void) | undefined;

  constructor({ run }: Layout, told: HookTold, journal: (line: string) => void = () => {}) {
    this.#directory = `${run}/hook`;
    this.#told = told;
    this.#journal = journal;
  }

  /** Settles when the hook can use them. */
  async begin(): Promise<void> {
    const directory = this.#directory;
    const requests = `${directory}/requests`;
    fs.rmSync(directory, { recursive: true, force: true });
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
    const answers = Array.from({ length: PIPES }, (_, i) => `${directory}/${i}`);
    await execa("mkfifo", ["-m", "600", requests, ...answers], { stdin: "ignore" });
    // Also for writing, or it would end with every hook that hangs up.
    const { O_RDWR, O_NONBLOCK } = fs.constants;
    const descriptor = fs.openSync(requests, O_RDWR | O_NONBLOCK);
    this.#requests = new net.Socket({ fd: descriptor, readable: true, writable: false });
    this.#requests.on(
      "data",
      logErrors((chunk: Buffer) => this.#read(chunk), this.#journal),
    );
    this.#requests.on("error", () => this.end());
    await new Promise<void>((resolve) => {
      this.#proven = resolve;
      fs.writeFileSync(requests, TEST, { flag: "r+" });
    });
    const building = `${directory}/.daemon`;
    fs.writeFileSync(building, `${process.pid} ${descriptor}\n`, { mode: 0o600 });
    fs.renameSync(building, `${directory}/daemon`);
  }

  end(): void {
    fs.rmSync(this.#directory, { recursive: true, force: true });
    this.#requests?.destroy();
    for (const timer of this.#releases.values()) clearTimeout(timer);
  }

  /** Lines of the answer's pipe, what the answer has to be, and the directory; each comes whole. */
  #read(chunk: Buffer): void {
    let rest = Buffer.concat([this.#rest, chunk]);
    for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a)) {
      this.#request(rest.subarray(0, end).toString("latin1"));
      rest = rest.subarray(end + 1);
    }
    this.#rest = rest;
    if (performance.now() - this.#sweptAt > LOST_MS) this.#sweep();
  }

  #request(line: string): void {
    if (`${line}\n` === TEST) this.#proven?.();
    const [, pipe, token, gitDir] = /^(\d{1,2}) (\d+) (.+)$/.exec(line) ?? [];
    if (pipe === undefined || token === undefined || gitDir === undefined) return;
    const answer = () => this.#answer(pipe, token);
    this.#told(Buffer.from(gitDir, "latin1")).then(answer, answer);
  }

  #answer(pipe: string, token: string): void {
    const path = `${this.#directory}/${pipe}`;
    try {
      // Without a reader this fails, as it should: the hook has given up.
      const { O_WRONLY, O_NONBLOCK } = fs.constants;
      const file = fs.openSync(path, O_WRONLY | O_NONBLOCK);
      try {
        fs.writeSync(file, `${token}\n`);
      } finally {
        fs.closeSync(file);
      }
    } catch {}
    clearTimeout(this.#releases.get(pipe));
    const free = logErrors(() => {
      this.#releases.delete(pipe);
      fs.rmSync(`${path}.taken`, { force: true });
    }, this.#journal);
    const release = setTimeout(free, KEPT_MS);
    this.#releases.set(pipe, release.unref());
  }

  #sweep(): void {
    this.#sweptAt = performance.now();
    for (const name of listIfThere(this.#directory).map(String)) {
      if (!name.endsWith(".taken")) continue;
      const path = `${this.#directory}/${name}`;
      const age = Date.now() - Number(statIfThere(path)?.mtimeMs ?? Number.NaN);
      if (age > LOST_MS) fs.rmSync(path, { force: true });
    }
  }
}
