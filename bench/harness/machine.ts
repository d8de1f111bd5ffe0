import { readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { execa } from "execa";

/** What the figures depend on. Contains no name of a person, a host or a path. */
export interface Machine {
  readonly cores: number;
  readonly processor: string;
  /** In gigabytes. */
  readonly memory: number;
  readonly system: string;
  /** Load average of the minute before; above 0.5 other processes were busy too. */
  readonly loadBefore: number;
  readonly versions: Readonly<Record<string, string>>;
}

const PROGRAMS: readonly (readonly [name: string, program: string, flag: string])[] = [
  ["git", "git", "--version"],
  ["nginx", "nginx", "-v"],
  ["PostgreSQL", "psql", "--version"],
  ["direnv", "direnv", "version"],
];

export async function machine(): Promise<Machine> {
  const found = await Promise.all(
    PROGRAMS.map(async ([name, program, flag]): Promise<[string, string]> => {
      const { all } = await execa(program, [flag], { all: true, reject: false });
      return [name, /\d+(\.\d+)+/.exec(all ?? "")?.[0] ?? "not found"];
    }),
  );
  const list = cpus();
  return {
    cores: list.length,
    processor: list[0]?.model.trim() || process.arch,
    memory: Math.round(totalmem() / 2 ** 30),
    system: `${distribution()}, ${process.platform} ${release().split("-")[0]}`,
    loadBefore: Math.round((loadavg()[0] ?? 0) * 10) / 10,
    versions: { Node: process.versions.node, ...Object.fromEntries(found) },
  };
}

function distribution(): string {
  try {
    return /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "";
  } catch {
    return process.platform;
  }
}

export function describeMachine(machine: Machine): string {
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`);
  return `${machine.cores} cores (${machine.processor}), ${machine.memory} GB, ${machine.system}; ${versions.join(", ")}; load before: ${machine.loadBefore}`;
}
