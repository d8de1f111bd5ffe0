import fs from "node:fs";
import type { Server } from "node:net";

/**
 * Listens on a Unix socket in a directory, under a relative address, and takes
 * the place of a socket that a killed process left. Mode 0600. Changes the
 * working directory.
 */
export async function listenInside(server: Server, directory: string, name: string): Promise<void> {
  process.chdir(directory);
  fs.rmSync(name, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(name, resolve);
  });
  fs.chmodSync(name, 0o600);
}
