import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { isProgram, main, must, root, StepError, step } from "./steps.js";

const entries = {
  daemon: "src/daemon/main.ts",
  evaluate: "src/discovery/configuration-evaluator.ts",
  index: "src/index.ts",
  program: "src/cli/program.ts",
};
const dist = join(root, "dist");

// CommonJS dependencies inside an ES module bundle still call require().
const banner = `import { createRequire as __createRequire } from "node:module";
const require = __createRequire(import.meta.url);`;

/** Replaces a file atomically, and only if it differs: programs may be running from dist/. */
function put(file, contents) {
  if (existsSync(file) && readFileSync(file).equals(contents)) return;
  const temporary = `${file}.${process.pid}`;
  writeFileSync(temporary, contents);
  if (basename(file) === "cli.cjs") chmodSync(temporary, 0o755);
  renameSync(temporary, file);
}

/** Removes old chunks after an hour; a daemon of an earlier build may still import its own. */
function removeOld(kept) {
  for (const name of readdirSync(dist).filter((name) => name.endsWith(".js") && !kept.has(name))) {
    const file = join(dist, name);
    if (Date.now() - statSync(file).mtimeMs > 3_600_000) rmSync(file);
  }
}

const common = {
  absWorkingDir: root,
  outdir: "dist",
  bundle: true,
  platform: "node",
  target: "node20",
  legalComments: "none",
  logLevel: "warning",
  write: false,
};

/** Bundles everything but the entry file of the command. */
function modules(esbuild) {
  return esbuild({
    ...common,
    entryPoints: entries,
    splitting: true,
    format: "esm",
    chunkNames: "chunk-[hash]",
    banner: { js: banner },
    // jiti loads a part of itself from beside its own file.
    external: ["pg-native", "jiti"],
  });
}

/**
 * Bundles the entry file of the command as CommonJS, which Node starts 5 ms sooner than a module, a tenth of
 * the total. The rest is imported when needed.
 */
function command(esbuild) {
  const rest = {
    name: "rest",
    setup: ({ onResolve }) =>
      onResolve({ filter: /\/program\.ts$/ }, () => ({ path: "./program.js", external: true })),
  };
  return esbuild({
    ...common,
    entryPoints: ["src/cli.ts"],
    format: "cjs",
    outExtension: { ".js": ".cjs" },
    plugins: [rest],
  });
}

async function bundle() {
  const { build: esbuild } = await import("esbuild");
  const built = await Promise.all([modules(esbuild), command(esbuild)]).catch(() => {
    throw new StepError("Nothing was built, for the reasons above.");
  });
  const files = built.flatMap(({ outputFiles }) => outputFiles);
  mkdirSync(dist, { recursive: true });
  // Chunks come first: an entry file must never name a chunk that does not exist yet.
  const isChunk = ({ path }) => basename(path).startsWith("chunk-");
  const ordered = [...files.filter(isChunk), ...files.filter((file) => !isChunk(file))];
  for (const { path, contents } of ordered) put(path, contents);
  removeOld(new Set(files.map(({ path }) => basename(path))));
  return "dist/cli.cjs, dist/daemon.js, dist/index.js";
}

async function declarations() {
  const config = join(dist, "tsconfig.json");
  const compilerOptions = {
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    rewriteRelativeImportExtensions: true,
    rootDir: "../src",
    outDir: "types",
  };
  mkdirSync(dist, { recursive: true });
  writeFileSync(
    config,
    JSON.stringify({ extends: "../tsconfig.json", compilerOptions, include: ["../src/index.ts"] }),
  );
  await must(join(root, "node_modules", ".bin", "tsc"), ["-p", config]);
}

/** Bundles src/ to dist/; with `types` also writes the declarations of the public types. */
export async function build({ types = false } = {}) {
  await step("Building", bundle);
  if (types) await step("Writing declarations", declarations);
}

if (isProgram(import.meta.url)) {
  await main(() => build({ types: process.argv.includes("--types") }));
}
