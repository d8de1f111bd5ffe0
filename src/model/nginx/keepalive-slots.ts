import type { Layout } from "../layout.ts";
import { map } from "./maps.ts";
import { indented } from "./quote.ts";

/** The number of slots; small, because nginx searches through all of them. */
const SLOTS = 200;
const PARTS = 10_000;

/**
 * Renders the keep-alive slots. nginx keeps connections only to upstreams named in its configuration, so
 * there is a fixed number of numbered ones; a service whose number (a hash of its name) is free may claim
 * it by creating `run/slots/<number>/` and in it
 *
 * - `sock`, a link to the service's socket, and then
 * - `<worktree>.<service>/`, an empty directory.
 *
 * Only requests without a body and without effects use them: these can be repeated if a kept connection
 * was closed meanwhile.
 */
export function slotMaps(): string {
  const numbers = Array.from({ length: SLOTS }, (_, slot) => slot);
  const share = `${(100 / SLOTS).toFixed(2)}%`;
  const rows = numbers.map((slot) => `${slot === SLOTS - 1 ? "*" : share} ${slot};`);
  return [
    `split_clients "$worktree/$service" $slot {\n${indented(rows.join("\n"))}\n}`,
    map('"$request_method,$http_upgrade,$content_length,$http_transfer_encoding"', "$keepable", [
      ["default", ".none"],
      ["GET,,,", '"$worktree.$service"'],
      ["HEAD,,,", '"$worktree.$service"'],
    ]),
    ...numbers.map(
      (slot) => `upstream ${slot}.kept {
  server unix:run/slots/${slot}/sock;
  keepalive 64;
  keepalive_timeout 2s;
}`,
    ),
  ].join("\n");
}

/** The files that make up a service's claim on its slot. */
export interface SlotClaim {
  /** Created with a plain mkdir: if it exists without `marker`, the slot belongs to another service. */
  readonly directory: string;
  readonly link: string;
  /** The target of `link`, relative to `directory`. */
  readonly target: string;
  readonly marker: string;
}

/**
 * Returns the paths with which a service claims its slot. A claim lasts as long as nginx runs: a worker
 * may still hold a connection to the service that claimed the slot first, and must never use it for
 * another. Therefore `run/slots` is emptied only before nginx starts. `.default` can claim slots too;
 * before it becomes another worktree, its markers are removed until no connection is kept.
 */
export function slotClaim({ run }: Layout, worktree: string, service: string): SlotClaim {
  const directory = `${run}/slots/${slotOf(worktree, service)}`;
  return {
    directory,
    link: `${directory}/sock`,
    target: `../../sockets/${worktree}/${service}.sock`,
    marker: `${directory}/${worktree}.${service}`,
  };
}

/** Computes the slot of a service as nginx's `split_clients` does (MurmurHash2, seed 0). */
function slotOf(worktree: string, service: string): number {
  const step = Math.floor((0xffffffff * (PARTS / SLOTS)) / PARTS);
  const hash = murmur2(new TextEncoder().encode(`${worktree}/${service}`));
  return Math.min(Math.floor(hash / step), SLOTS - 1);
}

function murmur2(bytes: Uint8Array): number {
  const mix = 0x5bd1e995;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const whole = bytes.length - (bytes.length % 4);
  let hash = bytes.length;
  for (let i = 0; i < whole; i += 4) {
    let word = Math.imul(view.getUint32(i, true), mix);
    word ^= word >>> 24;
    hash = Math.imul(hash, mix) ^ Math.imul(word, mix);
  }
  if (whole < bytes.length) {
    for (let i = bytes.length - 1; i >= whole; i--) hash ^= (bytes[i] ?? 0) << (8 * (i - whole));
    hash = Math.imul(hash, mix);
  }
  hash ^= hash >>> 13;
  hash = Math.imul(hash, mix);
  return (hash ^ (hash >>> 15)) >>> 0;
}
