import fs from "node:fs";
import { lstatIfThere, readIfThere, writeAtomically } from "../fs/files.ts";
import { stateDirectory, type UserEnvironment } from "../fs/xdg.ts";

/** The content of the generated files in a project's `.ikigai` as ikigai last wrote them. */
export interface Baseline {
  readonly settings: string;
  readonly nginxConf: string;
}

/**
 * Stores the baseline in the user's state directory, out of reach of checkouts: in an ordinary clone
 * `.ikigai` itself is within git's reach.
 */
export function writeBaseline(
  identity: string,
  seal: Baseline,
  environment: UserEnvironment = process.env,
): void {
  const directory = `${stateDirectory(environment)}/seals`;
  const text = `${JSON.stringify(seal)}\n`;
  if (readIfThere(`${directory}/${identity}`)?.toString() === text) return;
  fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeAtomically(`${directory}/${identity}`, text);
}

/** Tells whether a baseline exists, even a damaged one: the project has been initialized before. */
export function hasBaseline(identity: string, environment: UserEnvironment = process.env): boolean {
  return lstatIfThere(`${stateDirectory(environment)}/seals/${identity}`) !== undefined;
}

/** Returns undefined if there is none or it cannot be read. */
export function readBaseline(
  identity: string,
  environment: UserEnvironment = process.env,
): Baseline | undefined {
  try {
    const text = readIfThere(`${stateDirectory(environment)}/seals/${identity}`)?.toString();
    const value: unknown = JSON.parse(text ?? "");
    if (typeof value !== "object" || value === null) return undefined;
    const { settings, nginxConf } = value as Partial<Record<keyof Baseline, unknown>>;
    if (typeof settings !== "string" || typeof nginxConf !== "string") return undefined;
    return { settings, nginxConf };
  } catch {
    return undefined;
  }
}
