import { fileURLToPath } from "node:url";

/** A file of this package. The bundle lies in `dist/`, beside `hooks/` and `controls/`. */
export function packageFile(path: string): string {
  return fileURLToPath(new URL(`../${path}`, import.meta.url));
}
