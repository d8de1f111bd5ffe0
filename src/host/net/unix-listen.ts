import fs from "node:fs";
import type { Server } from "node:net";

/**
 * Listens on a Unix socket by a relative address, replacing a socket that a killed process left. Mode 0600.
 * The working directory must be `directory` during the call, but may change as soon as it has returned.
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
