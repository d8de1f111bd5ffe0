import { builtinModules, createRequire } from "node:module";
import vm from "node:vm";
import { defineConfig } from "../model/configuration/define-config.ts";

/** The value that a configuration program exports, or its error. */
export type Evaluated =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly message: string };

/**
 * Runs an approved configuration program and returns its default export, its export `config`, or its
 * `module.exports`. It may import only `ikigai` and Node's own modules, because approval covers these bytes
 * and no other file. Runs it in the current process; call it in a process of its own.
 */
export async function evaluateConfiguration(source: string, path: string): Promise<Evaluated> {
  try {
    const { createJiti } = await import("jiti");
    const jiti = createJiti(path, { moduleCache: false, fsCache: false });
    const code = jiti.transform({ source, filename: path, ts: true, async: true });
    const value = await run(code, path);
    if (value !== undefined) return { ok: true, value };
    return { ok: false, message: "exports nothing; write: export default defineConfig({ … })" };
  } catch (error) {
    // The error may come from another realm, and its text is untrusted.
    const said = String((error as { message?: unknown } | undefined)?.message ?? error);
    return { ok: false, message: `failed: ${printable(said)}` };
  }
}

async function run(code: string, path: string): Promise<unknown> {
  const module = { exports: {} as Record<string, unknown> };
  const body = vm.compileFunction(
    `return (async () => {${code}\n})();`,
    ["exports", "module", "require", "jitiImport", "__filename", "__dirname"],
    { filename: path },
  );
  const load = loader(path);
  const directory = path.slice(0, path.lastIndexOf("/"));
  await body(module.exports, module, load, async (name: string) => load(name), path, directory);
  const { exports } = module;
  // jiti compiles a syntax error to a module that only reports it.
  const wrong = exports.__JITI_ERROR__ as Record<string, unknown> | undefined;
  if (wrong) throw new SyntaxError(`${wrong.message}(${wrong.line}:${wrong.column})`);
  if (exports.__esModule !== true) return exports;
  return exports.default === undefined ? exports.config : exports.default;
}

function loader(path: string): (name: string) => unknown {
  const require = createRequire(path);
  return (name) => {
    if (name === "ikigai") return { defineConfig };
    if (name.startsWith("node:") || builtinModules.includes(name)) return require(name);
    throw new Error(
      `it imports ${JSON.stringify(name)}, but only "ikigai" and Node's own modules are allowed, because approval covers one file`,
    );
  };
}

function printable(text: string): string {
  return (text.split("\n")[0] ?? "").replace(/[^\x20-\x7e]/g, "?");
}
