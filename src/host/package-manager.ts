import fs from "node:fs";

/** What can be missing; `runsvdir` stands for runit, `postgres` for its server programs. */
export type ProgramName = "nginx" | "postgres" | "runsvdir" | "direnv" | "git" | "curl";

/** How packages are installed on this machine. */
export interface PackageManager {
  readonly name: "apt" | "dnf" | "pacman" | "apk" | "brew";
  /** The one command that installs what these programs come with. */
  install(programs: readonly ProgramName[]): string;
}

interface Manager {
  readonly name: PackageManager["name"];
  readonly program: string;
  readonly command: string;
  readonly packages: Readonly<Partial<Record<ProgramName, string>>>;
  /** Homebrew refuses root. */
  readonly root: boolean;
}

const MANAGERS: readonly Manager[] = [
  {
    name: "apt",
    program: "apt-get",
    command: "apt-get install -y",
    packages: { postgres: "postgresql" },
    root: true,
  },
  {
    name: "dnf",
    program: "dnf",
    command: "dnf install -y",
    packages: { postgres: "postgresql-server" },
    root: true,
  },
  {
    name: "pacman",
    program: "pacman",
    command: "pacman -S --needed",
    packages: { postgres: "postgresql" },
    root: true,
  },
  {
    name: "apk",
    program: "apk",
    command: "apk add",
    packages: { postgres: "postgresql" },
    root: true,
  },
  {
    name: "brew",
    program: "brew",
    command: "brew install",
    packages: { postgres: "postgresql@17" },
    root: false,
  },
];

/** The package manager whose program is on PATH; undefined where none of the known ones is. */
export function packageManager(
  path: string,
  isRoot: boolean = process.getuid?.() === 0,
): PackageManager | undefined {
  const places = [...path.split(":"), "/usr/bin", "/sbin", "/opt/homebrew/bin"];
  const manager = MANAGERS.find(({ program }) =>
    places.some((place) => place !== "" && fs.existsSync(`${place}/${program}`)),
  );
  if (!manager) return undefined;
  const { name, command, packages, root } = manager;
  const sudo = root && !isRoot ? "sudo " : "";
  const packageOf = (program: ProgramName) =>
    packages[program] ?? (program === "runsvdir" ? "runit" : program);
  return {
    name,
    install: (programs) => `${sudo}${command} ${programs.map(packageOf).join(" ")}`,
  };
}
