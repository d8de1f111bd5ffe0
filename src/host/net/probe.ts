import http from "node:http";
import net from "node:net";

/** A Unix socket, or a TCP port on loopback. */
export type Address = { readonly path: string } | { readonly port: number };

/** Tells whether a server accepts connections at an address now. */
export function isListening(address: Address): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect("path" in address ? address : { ...address, host: "127.0.0.1" });
    socket.setTimeout(1_000, () => socket.destroy(new Error("timeout")));
    socket.once("connect", () => {
      resolve(true);
      socket.destroy();
    });
    socket.once("error", () => resolve(false));
  });
}

/** Tells whether a GET of this path is answered with 2xx. */
export function respondsOk(address: Address, path: string): Promise<boolean> {
  const where =
    "path" in address ? { socketPath: address.path } : { ...address, host: "127.0.0.1" };
  return new Promise((resolve) => {
    const request = http.get({ ...where, path, timeout: 5_000, agent: false }, (answer) => {
      answer.resume();
      const status = answer.statusCode ?? 500;
      resolve(status >= 200 && status < 300);
    });
    request.once("timeout", () => request.destroy(new Error("timeout")));
    request.once("error", () => resolve(false));
  });
}
