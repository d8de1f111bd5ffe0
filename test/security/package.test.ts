import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { expect, test } from "vitest";

interface Locked {
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly devOptional?: boolean;
  readonly hasInstallScript?: boolean;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly version?: string;
}

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../${name}`, import.meta.url), "utf8"));
const lock = read("package-lock.json") as { packages: Record<string, Locked> };
const own = read("package.json") as {
  scripts: Record<string, string>;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
};
const locked = Object.entries(lock.packages).filter(([path]) => path !== "");

/** Development tools for untested systems, for which the registry has no content. */
const WITHOUT_CONTENT = ["node_modules/lefthook-android-arm64"];

test("every dependency is locked by its content, from a registry over TLS", () => {
  expect(locked.length).toBeGreaterThan(20);
  for (const [path, { integrity, resolved, dev, optional }] of locked) {
    if (WITHOUT_CONTENT.includes(path)) expect([dev, optional], path).toEqual([true, true]);
    else expect(integrity, path).toMatch(/^sha512-/);
    if (resolved !== undefined) expect(resolved, path).toMatch(/^https:\/\//);
  }
});

test("every dependency is pinned to its exact version", () => {
  for (const [name, version] of Object.entries({ ...own.dependencies, ...own.devDependencies })) {
    expect(version, name).toMatch(/^\d+\.\d+\.\d+$/);
    expect(lock.packages[`node_modules/${name}`]?.version, name).toBe(version);
  }
});

test("neither ikigai nor a dependency runs a script when it is installed", () => {
  const scripts = locked.filter(
    ([, { hasInstallScript, dev, devOptional }]) => hasInstallScript && !dev && !devOptional,
  );
  expect(scripts.map(([path]) => path)).toEqual([]);
  for (const name of ["preinstall", "install", "postinstall", "prepare"]) {
    expect(own.scripts[name]).toBeUndefined();
  }
});

test("npm's registry has no advisory against ikigai's dependencies", async (context) => {
  const words = ["audit", "--json", "--omit=dev", "--fetch-retries=0", "--fetch-timeout=10000"];
  const cwd = fileURLToPath(new URL("../..", import.meta.url));
  const { stdout } = await execa("npm", words, { cwd, reject: false });
  const report = JSON.parse(stdout || "{}") as Audit;
  context.skip(
    report.vulnerabilities === undefined,
    `the registry says nothing: ${report.message}`,
  );
  expect(Object.keys(report.vulnerabilities ?? {})).toEqual([]);
});

/** The output of `npm audit --json`: a report, or why there is none (npm-audit(1)). */
interface Audit {
  readonly vulnerabilities?: Readonly<Record<string, unknown>>;
  readonly message?: string;
}
