import { randomBytes } from "node:crypto";
import fs from "node:fs";
import { environmentFile, quoteShell } from "../../model/envrc.ts";
import type { Layout } from "../../model/layout.ts";
import type { RawPath } from "../../model/worktree.ts";
import {
  joinRaw,
  listIfThere,
  lstatIfThere,
  readIfThere,
  readlinkIfThere,
  sha256,
  toBuffer,
  writeAtomically,
} from "../fs/files.ts";
import { startTime } from "../process/processes.ts";

/** What a service is started from, as data beside its constant run script. */
export interface Definition {
  /** Its working directory, raw: reached through a link and never part of a shell line. */
  readonly directory: RawPath;
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Hash of the definition, compared to see whether the written one is up to date. */
  readonly mark: string;
  readonly checked?: Checked;
}

/** A file in a service's directory without whose approved content the service does not start. */
export interface Checked {
  readonly file: string;
  /** The approved content; empty if nothing is approved, since no such file is empty. */
  readonly content: Uint8Array;
}

/** The definitions in `run/services/<worktree>.<service>/`; written again if they are lost. */
export class Definitions {
  readonly #directory: string;
  /** Services by worktree, once listed. Cached because only this class writes definitions. */
  #known: Map<string, Set<string>> | undefined;
  readonly #read = new Map<string, Read>();
  readonly #checked = new Map<string, { readonly stamp: string; readonly hash: string }>();

  constructor(layout: Layout) {
    this.#directory = `${layout.run}/services`;
    // Left by a daemon that was killed while writing.
    const halves = listIfThere(this.#directory)
      .map(String)
      .filter((name) => name.startsWith("."));
    for (const name of halves) {
      fs.rmSync(`${this.#directory}/${name}`, { recursive: true, force: true });
    }
  }

  path(service: string): string {
    return `${this.#directory}/${service}`;
  }

  /** Lists all services, or those of some worktrees, which does not read the directory again. */
  names(worktrees?: ReadonlySet<string>): string[] {
    if (worktrees && this.#known) {
      return [...worktrees].flatMap((worktree) => [...(this.#known?.get(worktree) ?? [])]);
    }
    const names = listIfThere(this.#directory)
      .map(String)
      .filter((name) => !name.startsWith("."));
    this.#known = new Map();
    for (const name of names) this.#remember(name);
    return worktrees ? this.names(worktrees) : names;
  }

  #remember(service: string): void {
    const worktree = worktreeOf(service);
    const known = this.#known?.get(worktree) ?? new Set();
    this.#known?.set(worktree, known.add(service));
  }

  /** Returns the mark of the written definition; undefined if its content was changed since. */
  fingerprint(service: string): string | undefined {
    const path = this.path(service);
    const stamp = stampOf(path);
    const known = this.#read.get(service);
    if (known?.stamp === stamp) return known.mark;
    const [mark, digest] = (readIfThere(`${path}/mark`)?.toString() ?? "").split(" ");
    const whole = digest !== undefined && digest === digestOf(path) ? mark : undefined;
    const environment = readIfThere(`${path}/environment`)?.toString() ?? "";
    const port = Number(/^export IKIGAI_PORT='(\d+)'$/m.exec(environment)?.[1] ?? 0);
    this.#read.set(service, { stamp, mark: whole, port });
    return whole;
  }

  /** Returns the port that the service is told to listen on, as last read by `fingerprint`; 0 for none. */
  port(service: string): number {
    return this.#read.get(service)?.port ?? 0;
  }

  /** Returns the hash of the approved content checked before each start; "" if there is none. */
  approvedHash(service: string): string {
    const path = `${this.path(service)}/approved`;
    const stat = lstatIfThere(path);
    if (!stat) return "";
    const stamp = `${stat.ino}:${stat.ctimeNs}`;
    const known = this.#checked.get(service);
    if (known?.stamp === stamp) return known.hash;
    const hash = sha256(readIfThere(path) ?? "");
    this.#checked.set(service, { stamp, hash });
    return hash;
  }

  /**
   * Returns the process that the run script last became, and the mark of the definition it was started with.
   */
  runningInstance(service: string): { readonly pid: number; readonly mark: string } {
    const text = readIfThere(`${this.path(service)}/pid`)?.toString() ?? "";
    const [pid, mark = ""] = (text.split("\n")[0] ?? "").trim().split(" ");
    return { pid: Number(pid), mark };
  }

  /** Recreates a lost record of the running process. The definition it was started with is then unknown. */
  adopt(service: string, pid: number): void {
    if (this.runningInstance(service).pid === pid) return;
    writeAtomically(`${this.path(service)}/pid`, `${pid} lost\n${startTime(pid)}\n`, {
      durable: false,
    });
  }

  /** Tells whether the process that was started last runs with another definition than the current one. */
  isOutdated(service: string): boolean {
    const mark = this.fingerprint(service);
    const started = this.runningInstance(service).mark;
    return started !== "" && mark !== undefined && started !== mark;
  }

  /** Invalidates all definitions, so that they are written again: another process may have changed them. */
  invalidateAll(): void {
    for (const service of this.names()) fs.rmSync(`${this.path(service)}/mark`, { force: true });
  }

  /** Returns how often the service has ended by itself in a row, and how it ended last. */
  crashes(service: string): { count: number; code: number; signal: number } | undefined {
    const text = readIfThere(`${this.path(service)}/crashes`)?.toString() ?? "";
    const [count, code, signal] = CRASHES.exec(text)?.slice(1).map(Number) ?? [];
    if (count === undefined || code === undefined || signal === undefined) return undefined;
    return { count, code, signal };
  }

  /** Clears earlier failures, so that back-off starts over. */
  clearFailures(service: string): void {
    fs.rmSync(`${this.path(service)}/crashes`, { force: true });
  }

  /** Replaces a definition; keeps the lock and pid files of a running process. */
  write(service: string, definition: Definition): void {
    const path = this.path(service);
    const building = `${this.#directory}/.${randomBytes(6).toString("hex")}`;
    try {
      this.#build(building, path, definition);
      fs.rmSync(path, { recursive: true, force: true });
      fs.renameSync(building, path);
    } catch (error) {
      // Usually the disk is full: leave nothing half-written.
      fs.rmSync(building, { recursive: true, force: true });
      throw error;
    }
    this.#remember(service);
  }

  /** @param earlier the previous definition, whose lock and pid files are kept for a running process */
  #build(building: string, earlier: string, definition: Definition): void {
    fs.mkdirSync(building, { recursive: true, mode: 0o700 });
    fs.symlinkSync(toBuffer(definition.directory), joinRaw(building, "cwd"));
    // One file for all variables: with one file each, as for chpst(8) -e, creating them took longer than
    // everything else for a new worktree.
    const environment = Buffer.from(environmentFile(definition.environment));
    const { argv, checked } = definition;
    const approved = checked ? `approved=${quoteShell(checked.file)}\n` : "";
    const command = Buffer.from(`${approved}set -- ${argv.map(quoteShell).join(" ")}\n`);
    if (checked) fs.writeFileSync(`${building}/approved`, checked.content, { mode: 0o600 });
    fs.writeFileSync(`${building}/environment`, environment, { mode: 0o600 });
    fs.writeFileSync(`${building}/command`, command, { mode: 0o600 });
    for (const name of ["pid", "lock"]) {
      if (fs.existsSync(`${earlier}/${name}`))
        fs.linkSync(`${earlier}/${name}`, `${building}/${name}`);
    }
    fs.writeFileSync(
      `${building}/mark`,
      `${definition.mark} ${digest(toBuffer(definition.directory), command, environment)}`,
    );
  }

  remove(service: string): void {
    fs.rmSync(this.path(service), { recursive: true, force: true });
    this.#read.delete(service);
    this.#checked.delete(service);
    const worktree = worktreeOf(service);
    this.#known?.get(worktree)?.delete(service);
    if (this.#known?.get(worktree)?.size === 0) this.#known.delete(worktree);
  }
}

/** Anything else counts as no failure, as in `scripts/service/finish`. */
const CRASHES = /^([1-9]\d{0,3}) (-1|\d{1,3}) (\d{1,3})\b/;

function worktreeOf(service: string): string {
  return service.split(".", 1)[0] ?? "";
}

interface Read {
  readonly stamp: string;
  readonly mark: string | undefined;
  readonly port: number;
}

/**
 * Returns a string that changes when a file is replaced or written to; only then is the content read again.
 */
function stampOf(path: string): string {
  return ["mark", "command", "cwd", "environment"]
    .map((name) => lstatIfThere(`${path}/${name}`))
    .map((stat) => (stat ? `${stat.ino}:${stat.ctimeNs}` : ""))
    .join();
}

/** Hashes everything that the start reads, so that truncated or changed files are detected. */
function digestOf(path: string): string {
  return digest(
    readlinkIfThere(`${path}/cwd`),
    readIfThere(`${path}/command`),
    readIfThere(`${path}/environment`),
  );
}

function digest(...parts: readonly (Buffer | undefined)[]): string {
  return sha256(JSON.stringify(parts.map((part) => part?.toString("hex"))));
}
