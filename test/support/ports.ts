import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";

// Below the range of outgoing connections (32768 on Linux, 49152 elsewhere).
const lowest = 20_000;
const highest = 32_000;

export interface PortReservation {
  readonly port: number;
  release(): void;
}

/**
 * Locks a TCP port by the UDP port of the same number: the kernel gives that to one process
 * only, of whichever account, and releases it when the process ends.
 */
async function lock(port: number): Promise<Socket | undefined> {
  const socket = createSocket("udp4");
  try {
    socket.bind({ port, address: "127.0.0.1", exclusive: true });
    await once(socket, "listening");
    return socket.unref();
  } catch {
    socket.close();
    return undefined;
  }
}

async function isFree(port: number, host: string): Promise<boolean> {
  const server = createServer();
  try {
    server.listen({ port, host, exclusive: true });
    await once(server, "listening");
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EADDRNOTAVAIL";
  } finally {
    server.close();
  }
}

/**
 * Reserves a TCP port on which nothing listens. No other test, of this suite or a parallel one,
 * gets it until it is released or this process ends.
 */
export async function reservePort(): Promise<PortReservation> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest));
    const held = await lock(port);
    if (held === undefined) continue;
    if ((await isFree(port, "0.0.0.0")) && (await isFree(port, "::1"))) {
      return { port, release: () => held.close() };
    }
    held.close();
  }
  throw new Error(`No free port between ${lowest} and ${highest}`);
}
