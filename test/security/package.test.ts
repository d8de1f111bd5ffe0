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
}

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../${name}`, import.meta.url), "utf8"));
const lock = read("package-lock.json") as { packages: Record<string, Locked> };
const own = read("package.json") as { scripts: Record<string, string> };
const locked = Object.entries(lock.packages).filter(([path]) => path !== "");

test("every dependency is locked by its content, from a registry over TLS", () => {
  expect(locked.length).toBeGreaterThan(20);
  // npm locks no content of what only other systems' developers would get.
  const used = locked.filter(([, one]) => !(one.dev && one.optional && !one.integrity));
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
