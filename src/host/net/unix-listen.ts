import fs from "node:fs";
import type { Server } from "node:net";

/**
 * Listens on a Unix socket in a directory, under a relative address, and takes
 * the place of a socket that a killed process left. Mode 0600. The working
 * directory, which has to be that one, may be another as soon as this has returned.
 */
export async function listenInside(server: Server, directory: string, name: string): Promise<void> {
  fs.rmSync(name, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(name, () => {
      server.off("error", reject);
      resolve();
    });
  });
  fs.chmodSync(`${directory}/${name}`, 0o600);
}
