import type { Layout } from "../layout.ts";
import { map } from "./maps.ts";
import { indented } from "./quote.ts";

/** How many services can have connections that are kept; small, as nginx looks through them all. */
const SLOTS = 200;
const PARTS = 10_000;

/**
 * nginx keeps connections only to upstreams that its configuration names. So
 * there are a few that are named by a number; a service whose number (a hash of
 * its name) is free may claim it, by making `run/slots/<number>/` and in it
 *
 * - `sock`, a link to the service's socket, and then
 * - `<worktree>.<service>/`, an empty directory.
 *
 * Only requests without a body and without effects go there: should a kept
 * connection have been closed meanwhile, they can be sent again.
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

/** What a service's claim on its slot is made of. */
export interface SlotClaim {
  /** Made with a plain mkdir: if it is there already, and `marker` is not, the slot is another's. */
  readonly directory: string;
  readonly link: string;
  /** What `link` leads to, relative to `directory`. */
  readonly target: string;
  readonly marker: string;
}

/**
 * Where a service claims its slot. A claim lasts as long as this nginx: a worker
 * may hold a connection to whom the slot was claimed for first, and must never
 * find it under another's name. So `run/slots` is emptied before nginx starts,
 * and at no other time; and before `.default`, which may claim slots as well, becomes
 * another worktree, its markers go, until no connection is kept any more.
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

/** The slot that nginx looks for a service in: its `split_clients` (MurmurHash2, seed 0), in steps. */
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
