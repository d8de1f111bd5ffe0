import { nearestName } from "../nearest-name.ts";
import { printable } from "../printable.ts";
import type { Configuration } from "./configuration.ts";
import { type ConfigurationProblem, formatKey } from "./problems.ts";

/** Finds services that the configuration names but the worktree does not have. */
export function unknownServices(
  { services }: Pick<Configuration, "services">,
  present: readonly string[],
  file: string,
): ConfigurationProblem[] {
  const there = new Set(present);
  const absent = (path: readonly PropertyKey[], name: string, what: string) =>
    there.has(name)
      ? []
      : [{ file, key: formatKey(path), message: `${what}; ${meant(name, present)}` }];
  return Object.entries(services).flatMap(([name, { after }]) => [
    ...absent(["services", name], name, `has no directory here: ${halves(name)}`),
    ...after.flatMap((other, i) =>
      absent(["services", name, "after", i], other, `${quoted(other)} is not a service here`),
    ),
  ]);
}

function halves(name: string): string {
  const base = name === "backend" ? "" : `${printable(name)}/`;
  return `there is neither ${base}backend nor ${base}frontend`;
}

function meant(name: string, present: readonly string[]): string {
  const nearest = nearestName(name, present);
  if (nearest !== undefined) return `did you mean ${printable(nearest)}?`;
  return present.length > 0 ? `there is ${present.map(printable).join(", ")}` : "there is none";
}

function quoted(name: string): string {
  return printable(JSON.stringify(name));
}
