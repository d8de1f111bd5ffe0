import type { Difference, Kind, Step } from "../model/step.ts";

/** What a kind provides for planning; both sides by key. */
export interface Compared<Want, Have> {
  readonly kind: Kind;
  readonly wants: ReadonlyMap<string, Want>;
  readonly haves: ReadonlyMap<string, Have>;
  differ(want: Want | undefined, have: Have | undefined): Difference | undefined;
}

/** Returns the steps that turn what was observed into what is wanted, in the order of the keys. */
export function plan<Want, Have>(compared: Compared<Want, Have>): Step[] {
  const { kind, wants, haves, differ } = compared;
  return [...new Set([...wants.keys(), ...haves.keys()])].sort().flatMap((key) => {
    const difference = differ(wants.get(key), haves.get(key));
    return difference ? [{ kind, key, ...difference }] : [];
  });
}
