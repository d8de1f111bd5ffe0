import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { get, request } from "node:http";
import { waitFor } from "./wait.ts";

interface Target {
  readonly port: number;
  readonly path: string;
  /** The Host header, without a port. */
  readonly host?: string;
}

export interface TextStream extends Disposable {
  /** Everything received so far. */
  text(): string;
  /** Waits until the text contains a part. */
  until(part: string): Promise<void>;
}

function collect(close: () => void): TextStream & { add(part: string): void } {
  let text = "";
  return {
    add: (part) => {
      text += part;
    },
    text: () => text,
    until: async (part) => {
      await waitFor(() => text.includes(part) || Promise.reject(new Error(JSON.stringify(text))), {
        what: `the stream to contain ${JSON.stringify(part)}`,
      });
    },
    [Symbol.dispose]: close,
  };
}

function options({ port, path, host = "localhost" }: Target) {
  return { host: "127.0.0.1", port, path, headers: { host: `${host}:${port}` }, agent: false };
}

/** Opens a streamed response, such as server-sent events; it stays open until it is disposed of. */
export async function openStream(target: Target): Promise<TextStream> {
  const outgoing = get(options(target));
  const stream = collect(() => outgoing.destroy());
  const [incoming] = await once(outgoing, "response");
  if (incoming.statusCode !== 200) throw new Error(`${target.path}: status ${incoming.statusCode}`);
  incoming.setEncoding("utf8").on("data", stream.add);
  outgoing.on("error", () => {});
  incoming.on("error", () => {});
  return stream;
}

/** Encodes a client's text frame, which must be masked (RFC 6455, section 5.2); up to 125 bytes. */
function frame(text: string): Buffer {
  const payload = Buffer.from(text);
  const mask = randomBytes(4);
  const masked = payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0));
  return Buffer.concat([Buffer.from([0x81, 0x80 | payload.length]), mask, masked]);
}

export interface TextSocket extends TextStream {
  /** Sends a text of at most 125 bytes. */
  send(text: string): void;
}

/** Opens a WebSocket. Received bytes are kept as they are, framing included. */
export async function openSocket(target: Target): Promise<TextSocket> {
  const { headers, ...rest } = options(target);
  const handshake = {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": randomBytes(16).toString("base64"),
  };
  const outgoing = request({ ...rest, headers: { ...headers, ...handshake } });
  outgoing.on("response", ({ statusCode }) =>
    outgoing.destroy(new Error(`${target.path} is no WebSocket: status ${statusCode}`)),
  );
  outgoing.end();
  const [, socket] = await once(outgoing, "upgrade");
  const stream = collect(() => socket.destroy());
  socket.on("data", (part: Buffer) => stream.add(part.toString("utf8")));
  socket.on("error", () => {});
  return { ...stream, send: (text) => socket.write(frame(text)) };
}
