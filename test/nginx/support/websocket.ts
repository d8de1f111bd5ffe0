import { createHash } from "node:crypto";
import type http from "node:http";
import net from "node:net";
import type { Project } from "./project.ts";

const HANDSHAKE =
  "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/** Makes a server accept WebSockets (RFC 6455's handshake) and echo every byte. */
export function echoWebSockets(server: http.Server): http.Server {
  return server.on("upgrade", (request, socket, first) => {
    const key = `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash("sha1").update(key).digest("base64");
    socket.on("error", () => {});
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    socket.write(first);
    socket.pipe(socket);
  });
}

/** Opens a WebSocket, sends bytes in both directions and returns the head and the echo. */
export function throughWebSocket(
  project: Project,
  path: string,
  bytes: Buffer,
): Promise<{ head: string; echoed: Buffer }> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    let end = -1;
    const socket = net.connect(project.port, "127.0.0.1", () =>
      socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost:${project.port}\r\n${HANDSHAKE}\r\n`),
    );
    socket.on("error", reject);
    socket.on("close", () => reject(new Error(`closed: ${received}`)));
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (end < 0) {
        end = received.indexOf("\r\n\r\n");
        if (end < 0) return;
        if (!received.toString("latin1").startsWith("HTTP/1.1 101")) {
          reject(new Error(`no WebSocket: ${received}`));
          socket.destroy();
          return;
        }
        socket.write(bytes);
      }
      const echoed = received.subarray(end + 4);
      if (echoed.length < bytes.length) return;
      resolve({ head: received.subarray(0, end).toString(), echoed });
      socket.destroy();
    });
  });
}
