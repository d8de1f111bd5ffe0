import fs from "node:fs";
import net from "node:net";
import { execa } from "execa";
import type { Layout } from "../../../model/layout.ts";
import { listIfThere, statIfThere } from "../../fs/files.ts";
import { logErrors } from "../../timers/interval.ts";

/** As many as the hook tries. Few enough that all requests together fit into a pipe that is not read. */
const PIPES = 32;
/** Longer than a hook waits, so that no hook reads an answer meant for another. */
const KEPT_MS = 250;
/** Age after which a claimed pipe belongs to a hook that was killed. */
const LOST_MS = 10_000;
const TEST = "test\n";

/** Called with each administrative directory that a hook names; the hook waits until it settles. */
export type HookTold = (gitDir: Buffer) => Promise<unknown>;

/**
 * Answers git's hooks through named pipes in `run/hook`, which a shell can use without starting another
 * program. The hook uses them if `run/hook/daemon` exists. That file is written last, after a test: where
 * pipes do not work it is missing, and the hook connects to the socket instead.
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

  /** Settles once hooks can use the pipes. */
  async begin(): Promise<void> {
    const directory = this.#directory;
    const requests = `${directory}/requests`;
    fs.rmSync(directory, { recursive: true, force: true });
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
    const answers = Array.from({ length: PIPES }, (_, i) => `${directory}/${i}`);
    await execa("mkfifo", ["-m", "600", requests, ...answers], { stdin: "ignore" });
    // Opened for writing as well, or reading would end whenever a hook closes its end.
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

  /** Parses lines of: number of the answer pipe, expected answer, directory. Each is written in one piece. */
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
      // Fails if there is no reader, which means that the hook has given up.
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
