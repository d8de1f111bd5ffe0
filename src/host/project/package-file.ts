import fs from "node:fs";
import { fileURLToPath } from "node:url";
import { sha256 } from "../fs/files.ts";

/** Returns the path of a file of this package. The bundle is in `dist/`, beside `hooks/` and `controls/`. */
export function packageFile(path: string): string {
  return fileURLToPath(new URL(`../${path}`, import.meta.url));
}

/** Tells builds of a program apart, even of the same version. */
export function programDigest(file: string): string {
  return sha256(fs.readFileSync(file)).slice(0, 12);
}
