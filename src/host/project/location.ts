import type { Layout } from "../../model/layout.ts";
import { readIfThere, statIfThere, writeAtomically } from "../fs/files.ts";

/** Where a project was when ikigai last worked in it, and the identity of its directory. */
export interface Location {
  readonly root: string;
  /** Inode and birth time of `.ikigai`: a copy gets new ones, a renamed project keeps them. */
  readonly identity: string;
  /** The path before that, while processes may still run under it. */
  readonly before?: string;
}

/** Whether the project was moved or copied since ikigai last worked in it. */
export type Relocation =
  | { readonly kind: "new" | "same" }
  | { readonly kind: "moved" | "copied"; readonly from: Location };

/** Compares the recorded location with the current one. */
export function detectRelocation(layout: Layout): Relocation {
  const from = readPlace(layout);
  if (!from) return { kind: "new" };
  if (from.identity !== identityOf(layout)) return { kind: "copied", from };
  if (from.root !== layout.root) return { kind: "moved", from };
  const { identity, before } = from;
  return before === undefined
    ? { kind: "same" }
    : { kind: "moved", from: { identity, root: before } };
}

/** Records that git's files name the new path, and that the rest of the move waits for the next start. */
export function recordPendingMove(layout: Layout, { identity, root, before }: Location): void {
  const place: Location = { root: layout.root, identity, before: before ?? root };
  writeAtomically(placeFile(layout), JSON.stringify(place));
}

/** Records that the project is at this path, with no move pending. */
export function recordLocation(layout: Layout): void {
  if (detectRelocation(layout).kind === "same") return;
  const place: Location = { root: layout.root, identity: identityOf(layout) };
  writeAtomically(placeFile(layout), JSON.stringify(place));
}

/** Tells whether the project that this one was copied from still exists. */
export function originalIsThere({ root, identity }: Location): boolean {
  return identityAt(`${root}/.ikigai`) === identity;
}

function readPlace(layout: Layout): Location | undefined {
  try {
    const value: unknown = JSON.parse(readIfThere(placeFile(layout))?.toString() ?? "");
    const given = typeof value === "object" && value !== null ? { ...value } : {};
    if (!("root" in given) || !("identity" in given)) return undefined;
    const { root, identity } = given;
    if (typeof root !== "string" || typeof identity !== "string") return undefined;
    const before = "before" in given && typeof given.before === "string" ? given.before : undefined;
    return { root, identity, ...(before === undefined ? {} : { before }) };
  } catch {
    return undefined;
  }
}

function identityOf({ ikigai }: Layout): string {
  return identityAt(ikigai) ?? "";
}

function identityAt(path: string): string | undefined {
  const stat = statIfThere(path);
  return stat && `${stat.ino.toString(36)}-${stat.birthtimeNs.toString(36)}`;
}

function placeFile({ run }: Layout): string {
  return `${run}/place`;
}
