import fs from "node:fs";
import { codeOf } from "../fs/files.ts";
import { lsof } from "../process/lsof.ts";
import { listPids, readProc } from "../process/proc.ts";

/** A process that listens on a port of loopback. */
export interface Listener {
  readonly pid: number;
  /** The program's name. */
  readonly name: string;
  /** Its working directory; "" if it cannot be read. */
  readonly directory: string;
}

/**
 * Finds the processes that listen where a client of 127.0.0.1 or ::1 would connect. Undefined if the port is
 * free; empty if only other users' processes listen. Reads proc(5), because slim images have no ss; elsewhere
 * asks lsof.
 */
export async function listenersOn(port: number): Promise<readonly Listener[] | undefined> {
  return fs.existsSync("/proc/net/tcp") ? fromProc(port) : await listenersByLsof(port);
}

function fromProc(port: number): readonly Listener[] | undefined {
  const sockets = listeningSockets(port);
  if (sockets.size === 0) return undefined;
  const listeners = listPids().flatMap((name): Listener[] => {
    if (!holdsOne(name, sockets)) return [];
    const directory = link(`/proc/${name}/cwd`);
    const program = readProc(`${name}/comm`).trimEnd();
    return directory === undefined ? [] : [{ pid: Number(name), name: program, directory }];
  });
  const hasEnded = listeners.length === 0 && listeningSockets(port).size === 0;
  return hasEnded ? undefined : listeners;
}

function holdsOne(pid: string, sockets: ReadonlySet<string>): boolean {
  return list(`/proc/${pid}/fd`).some((fd) => sockets.has(link(`/proc/${pid}/fd/${fd}`) ?? ""));
}

/**
 * Returns listening sockets as shown in /proc/PID/fd. State 0A is LISTEN; addresses are words in host byte
 * order.
 */
function listeningSockets(port: number): ReadonlySet<string> {
  const line = /^ *\d+: ([0-9A-F]+):([0-9A-F]{4}) [0-9A-F]+:0000 0A (?:\S+ +){5}(\d+)/gm;
  const tables = readProc("net/tcp") + readProc("net/tcp6");
  const found = [...tables.matchAll(line)].filter(
    ([, address = "", hex = ""]) => Number.parseInt(hex, 16) === port && MET.test(address),
  );
  return new Set(found.map(([, , , inode]) => `socket:[${inode}]`));
}

/** 127.0.0.0/8, also as an IPv6 address, ::1, and the wildcard addresses. */
const MET = /^(0+|(0{16}FFFF0000)?[0-9A-F]{6}7F|0{24}01000000)$/;

/** Fields: `p` and `c` of a process, `n` of a file. */
export async function listenersByLsof(port: number): Promise<readonly Listener[] | undefined> {
  const found = await lsof(`-iTCP:${port}`, "-sTCP:LISTEN", "-Fpcn");
  const holders = found.split(/^(?=p)/m).filter((text) => LOOPBACK.test(text));
  if (holders.length === 0) return undefined;
  const pids = holders.map((text) => Number.parseInt(text.slice(1), 10));
  const places = (await lsof("-a", "-d", "cwd", "-p", pids.join(","), "-Fpn")).split(/^(?=p)/m);
  return holders.map((text, i): Listener => {
    const pid = pids[i] ?? 0;
    const place = places.find((other) => other.startsWith(`p${pid}\n`)) ?? "";
    return { pid, name: field("c", text), directory: field("n", place) };
  });
}

const LOOPBACK = /^n(127\.|\*:|\[::1\]:)/m;
const field = (letter: string, text: string) =>
  new RegExp(`^${letter}(.*)$`, "m").exec(text)?.[1] ?? "";

function list(path: string): string[] {
  try {
    return fs.readdirSync(path);
  } catch {
    return [];
  }
}

/** Reads a link; undefined if it no longer exists, "" if it may not be read. */
function link(path: string): string | undefined {
  try {
    return fs.readlinkSync(path);
  } catch (error) {
    return ["ENOENT", "ESRCH"].includes(codeOf(error) ?? "") ? undefined : "";
  }
}
