// Hello from main. A backend whose behaviour settings.json beside it controls.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

const { IKIGAI_WORKTREE: worktree, IKIGAI_SERVICE: service, PORT } = process.env;
const {
  broken,
  listenAfter = 0,
  readyAfter = 0,
  ballast = 0,
  linger = 0,
} = JSON.parse(readFileSync("settings.json", "utf8"));
console.log(`probe begins ${Date.now()}`);
if (broken) throw new Error(broken);
const memory = Buffer.alloc(ballast, 1);
const began = Date.now();
const held = new Set();
let dying = false;
if (linger > 0) {
  // On SIGTERM, it accepts connections for a while and answers none.
  process.on("SIGTERM", () => {
    dying = true;
    setTimeout(() => process.exit(0), linger);
  });
}

const answers = {
  "/api/events": (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write("data: begins\n\n");
    held.add(response);
  },
  "/api/release": (_, response) => {
    for (const each of held) each.end("data: ends\n\n");
    held.clear();
    response.end("released");
  },
  "/api/health": (_, response) => {
    response.writeHead(Date.now() - began < readyAfter ? 503 : 204).end();
  },
  "/api/crash": () => process.exit(3),
};

const server = createServer((request, response) => {
  if (dying) return request.socket.destroy();
  const special = answers[request.url];
  if (special) return special(request, response);
  const hash = createHash("sha256");
  let size = 0;
  request.on("data", (chunk) => {
    size += chunk.length;
    hash.update(chunk);
  });
  request.on("end", () => {
    response.writeHead(200, { "content-type": "application/json" });
    const { method, url } = request;
    const body = { worktree, service, pid: process.pid, began, method, url, size };
    response.end(JSON.stringify({ ...body, sha256: hash.digest("hex"), memory: memory.length }));
  });
});

server.on("upgrade", (request, socket, first) => {
  const key = `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const accept = createHash("sha1").update(key).digest("base64");
  socket.on("error", () => {});
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  socket.write(first);
  socket.pipe(socket);
});

setTimeout(() => {
  server.listen(/^\d+$/.test(PORT) ? { port: Number(PORT), host: "127.0.0.1" } : PORT);
}, listenAfter);
