import fs from "node:fs";
import { lsof } from "../process/lsof.ts";
import { readProc } from "../process/proc.ts";

/** Where a service listens: the path it bound, and its port if it has one. */
export interface Listening {
  readonly key: string;
  readonly socket: string;
  readonly port?: number | undefined;
}

/**
 * Counts the clients connected to each service, including those not accepted yet. Reads /proc/net/unix and
 * /proc/net/tcp (proc(5)); elsewhere asks lsof.
 */
export async function openConnections(
  services: readonly Listening[],
): Promise<ReadonlyMap<string, number>> {
  if (services.length === 0) return new Map();
  const found = fs.existsSync("/proc/net/unix") ? fromProc(services) : await fromLsof();
  return new Map(
    services.map(({ key, socket, port }) => [
      key,
      (found.sockets.get(socket) ?? 0) + (port === undefined ? 0 : (found.ports.get(port) ?? 0)),
    ]),
  );
}

/** Waits until no client is connected any more, at most this long. */
export async function waitForDrain(listening: Listening, milliseconds: number): Promise<void> {
  const deadline = performance.now() + milliseconds;
  while (performance.now() < deadline) {
    const open = await openConnections([listening]);
    if ((open.get(listening.key) ?? 0) === 0) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

const POLL_MS = 20;

interface Found {
  readonly sockets: ReadonlyMap<string, number>;
  readonly ports: ReadonlyMap<number, number>;
}

function fromProc(services: readonly Listening[]): Found {
  const ports = new Map<number, number>();
  if (services.some(({ port }) => port !== undefined)) {
    for (const file of ["net/tcp", "net/tcp6"]) {
      for (const port of establishedPorts(readProc(file))) count(ports, port);
    }
  }
  return { sockets: peersByPath(readProc("net/unix")), ports };
}

/**
 * Counts connections by listener path. An accepted connection has its listener's path and state 03; one not
 * accepted yet has 02. The listener itself has the flag __SO_ACCEPTCON.
 */
function peersByPath(table: string): Map<string, number> {
  const peers = new Map<string, number>();
  const line = /^[^:]+: [0-9A-F]+ [0-9A-F]+ ([0-9A-F]{8}) [0-9A-F]{4} (0[23]) +\d+ (\/.*)$/gm;
  for (const [, flags = "", , path = ""] of table.matchAll(line)) {
    if ((Number.parseInt(flags, 16) & ACCEPTS) === 0) count(peers, path);
  }
  return peers;
}

const ACCEPTS = 0x10000;

/** Lists the server-side port of each established connection (state 01). */
function establishedPorts(table: string): number[] {
  const line = /^ *\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} 01 /gm;
  return [...table.matchAll(line)].map(([, port = ""]) => Number.parseInt(port, 16));
}

/** Fields: `d` identifies the socket, `n` is its address. */
async function fromLsof(): Promise<Found> {
  const [local, tcp] = await Promise.all([
    lsof("-Fdn", "-U"),
    lsof("-Fdn", "-iTCP", "-sTCP:ESTABLISHED"),
  ]);
  const devices = new Map<string, Set<string>>();
  for (const [, device = "", path = ""] of local.matchAll(/^d(.*)\nn(\/.*)$/gm)) {
    devices.set(path, (devices.get(path) ?? new Set()).add(device));
  }
  const ports = new Map<number, number>();
  for (const [, port = ""] of tcp.matchAll(/^n[^\n]*?:(\d+)->/gm)) count(ports, Number(port));
  // Subtracts the listener, which has the path as well.
  const sockets = new Map([...devices].map(([path, each]) => [path, each.size - 1]));
  return { sockets, ports };
}

function count<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
