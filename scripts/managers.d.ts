/** A package manager and its names for our requirements. */
export interface Manager {
  readonly name: string;
  readonly program: string;
}

export const managers: readonly Manager[];
export function packagesOf(manager: Manager, names: readonly string[]): string[];
export function commandFor(manager: Manager, names: readonly string[]): string;
