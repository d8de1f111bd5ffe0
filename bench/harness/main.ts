import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeBench } from "./bench.ts";
import { judge, type Result } from "./judge.ts";
import { machine } from "./machine.ts";
import { asMarkdown, asText } from "./report.ts";
import type { Measured, Row } from "./row.ts";

const USAGE = `usage: npm run bench -- [--only ROW]… [--list] [--quick] [--peers] [--write]
  --only ROW  this row, or all whose names begin so; may be given again
  --list      the names of the rows, and nothing else
  --quick     without the rows that take minutes
  --peers     the same work with other tools, where they can be installed;
              GTR=DIRECTORY names a checkout of git-worktree-runner
  --write     write docs/figures.md
`;

export interface Arguments {
  readonly only: readonly string[];
  readonly list: boolean;
  readonly quick: boolean;
  readonly peers: boolean;
  readonly write: boolean;
}

/** Undefined for unknown arguments. */
export function parse(argv: readonly string[]): Arguments | undefined {
  const only: string[] = [];
  const flags = new Set<string>();
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? "";
    const next = argv[at + 1];
    if (word === "--only" && next !== undefined) {
      only.push(next);
      at += 1;
    } else if (/^--(list|quick|peers|write)$/.test(word)) flags.add(word.slice(2));
    else return undefined;
  }
  const has = (name: string) => flags.has(name);
  return { only, list: has("list"), quick: has("quick"), peers: has("peers"), write: has("write") };
}

/** Selects rows by name or prefix; without names all, or with `--quick` the fast ones. */
export function choose(rows: readonly Row[], { only, quick }: Arguments): Row[] {
  if (only.length === 0) return rows.filter(({ slow }) => !(slow && quick));
  const exact = new Set(rows.map(({ name }) => name));
  return rows.filter(({ name }) =>
    only.some((word) => (exact.has(word) ? name === word : name.startsWith(word))),
  );
}

/**
 * Measures the selected rows. Exit code 0 when all were measured (a missed target is reported, not
 * an error), 1 when a row failed, 2 for wrong usage.
 */
export async function main(
  argv: readonly string[],
  rows: readonly Row[],
  places: { readonly checkout: string; readonly package: string },
): Promise<number> {
  const given = parse(argv);
  const chosen = given ? choose(rows, given) : [];
  if (!given || chosen.length === 0) {
    process.stderr.write(USAGE);
    return 2;
  }
  if (given.list) {
    for (const { name, title, slow } of rows) {
      process.stdout.write(`${name.padEnd(24)}${title}${slow ? " (not with --quick)" : ""}\n`);
    }
    return 0;
  }
  const base = realpathSync(mkdtempSync(join(tmpdir(), "iki-bench-")));
  const bench = makeBench({ ...places, base, peers: given.peers });
  const about = await machine();
  const results: Result[] = [];
  let broken = false;
  const end = async () => {
    await bench.dispose();
    rmSync(base, { recursive: true, force: true });
  };
  process.once("SIGINT", () => void end().finally(() => process.exit(130)));
  try {
    for (const row of chosen) {
      process.stderr.write(`${row.name} …\n`);
      const began = performance.now();
      let measured: Measured | string;
      try {
        measured = await row.run(bench);
      } catch (error) {
        broken = true;
        measured = `It broke: ${error instanceof Error ? error.message : String(error)}`;
      }
      const result = judge(row, measured, Math.round((performance.now() - began) / 100) / 10);
      results.push(result);
      process.stderr.write(
        `  ${result.figure || measured} ${result.verdict} (${result.seconds} s)\n`,
      );
    }
  } finally {
    await end();
  }
  const run = { at: new Date().toISOString(), machine: about, results };
  process.stdout.write(`${asText(run)}\n`);
  const directory = join(places.checkout, "bench", "results");
  mkdirSync(directory, { recursive: true });
  const name =
    given.only.length > 0 ? `only-${given.only.join("-")}` : given.quick ? "quick" : "latest";
  writeFileSync(join(directory, `${name}.json`), `${JSON.stringify(run, null, 2)}\n`);
  if (given.write) {
    const page = join(places.checkout, "docs", "figures.md");
    writeFileSync(page, asMarkdown(run, readFileSync(page, "utf8")));
  }
  return broken ? 1 : 0;
}
