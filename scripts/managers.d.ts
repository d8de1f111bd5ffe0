/** A package manager and what it calls our requirements. */
export interface Manager {
  readonly name: string;
  readonly program: string;
}

export const managers: readonly Manager[];
export function packagesOf(manager: Manager, names: readonly string[]): string[];
export function commandFor(manager: Manager, names: readonly string[]): string;
