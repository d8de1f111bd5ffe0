import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

interface Locked {
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly devOptional?: boolean;
  readonly hasInstallScript?: boolean;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
}

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../${name}`, import.meta.url), "utf8"));
const lock = read("package-lock.json") as { packages: Record<string, Locked> };
const own = read("package.json") as { scripts: Record<string, string> };
const locked = Object.entries(lock.packages).filter(([path]) => path !== "");

/** A development tool's binary for a platform that no check of ours runs on: npm has never seen its content. */
function isElsewhere({ dev, optional, os, cpu, libc }: Locked): boolean {
  const here = (wanted: readonly string[] | undefined, name: string) =>
    wanted?.includes(name) ?? true;
  const linux = here(os, "linux") && here(cpu, "x64") && here(libc, "glibc");
  return dev === true && optional === true && !linux;
}

test("every dependency is locked by its content, from a registry over TLS", () => {
  expect(locked.length).toBeGreaterThan(20);
  const used = locked.filter(([, one]) => one.integrity !== undefined || !isElsewhere(one));
  for (const [path, { integrity, resolved }] of used) {
    expect(integrity, path).toMatch(/^sha512-/);
    if (resolved !== undefined) expect(resolved, path).toMatch(/^https:\/\//);
  }
});

test("nothing that ikigai is installed with runs a script at its installation, nor does ikigai", () => {
  const scripts = locked.filter(
    ([, { hasInstallScript, dev, devOptional }]) => hasInstallScript && !dev && !devOptional,
  );
  expect(scripts.map(([path]) => path)).toEqual([]);
  for (const name of ["preinstall", "install", "postinstall", "prepare"]) {
    expect(own.scripts[name]).toBeUndefined();
  }
});
