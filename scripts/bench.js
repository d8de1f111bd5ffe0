import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "./build.js";
import { setup } from "./setup.js";
import { isProgram, main, root } from "./steps.js";

const bench = join(root, "bench");

/** Lists the files of bench/ that define rows. */
function sources() {
  return readdirSync(bench)
    .filter((name) => name.endsWith(".ts"))
    .filter((name) => /^export const rows\b/m.test(readFileSync(join(bench, name), "utf8")))
    .map((name) => name.slice(0, -3));
}

/** Copies the package to be measured, so that a concurrent build does not change it. */
function copyPackage(place) {
  for (const name of ["dist", "controls", "hooks", "package.json"]) {
    cpSync(join(root, name), join(place, name), { recursive: true });
  }
}

async function bundle(place, names) {
  const { build: esbuild } = await import("esbuild");
  await esbuild({
    absWorkingDir: root,
    entryPoints: [
      { in: "bench/harness/main.ts", out: "main" },
      ...names.map((name) => ({ in: `bench/${name}.ts`, out: name })),
    ],
    outdir: place,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    packages: "external",
    logLevel: "warning",
  });
}

/** Bundles bench/*.ts into a temporary directory and runs the requested measurements. */
export async function runBench(argv) {
  const place = mkdtempSync(join(tmpdir(), "iki-bench-code-"));
  try {
    if (!argv.includes("--list")) {
      await setup(["bench"]);
      await build();
    }
    const names = sources();
    await bundle(join(place, "code"), names);
    copyPackage(join(place, "package"));
    // The bundles' dependencies are resolved from beside them.
    symlinkSync(join(root, "node_modules"), join(place, "node_modules"));
    const load = (name) => import(pathToFileURL(join(place, "code", `${name}.mjs`)).href);
    const rows = (await Promise.all(names.map(load))).flatMap((module) => module.rows);
    const { main: measure } = await load("main");
    return await measure(argv, rows, { checkout: root, package: join(place, "package") });
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

if (isProgram(import.meta.url)) {
  await main(async () => {
    process.exitCode = await runBench(process.argv.slice(2));
  });
}
