import { map } from "./maps.ts";
import { indented } from "./quote.ts";

/** How many services can have connections that are kept; small, as nginx goes through them in turn. */
export const SLOTS = 250;
const PARTS = 10_000;

/**
 * nginx keeps connections only to upstreams that its configuration names. So
 * there are a few that are named by a number; a service whose number (a hash of
 * its name) is free may claim it, by `run/slots/<number>/`:
 *
 * - `sock`, a link to the service's socket, and
 * - `<worktree>.<service>/`, an empty directory, made last and removed first.
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
      (slot) => `upstream slot-${slot} {
  server unix:run/slots/${slot}/sock;
  keepalive 8;
  keepalive_timeout 2s;
}`,
    ),
  ].join("\n");
}

/** The slot that nginx looks for a service in: its `split_clients` (MurmurHash2, seed 0), in steps. */
export function slotOf(worktree: string, service: string): number {
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
