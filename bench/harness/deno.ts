import { spawn } from "node:child_process";
import http from "node:http";
import type { Place } from "./programs.ts";
import { until } from "./programs.ts";

/** Milliseconds from Deno's start to its first answer on a socket; ends it afterwards. */
export async function denoAlone(place: Place, deno: string, socket: string): Promise<number> {
  const args = ["run", "--quiet", "--allow-net", "--allow-read", "--allow-write", "--allow-env"];
  const began = performance.now();
  const child = spawn(deno, [...args, "main.ts"], {
    ...place,
    env: { ...place.env, DENO_SERVE_ADDRESS: `unix:${socket}` },
    stdio: "ignore",
  });
  const ended = new Promise((resolve) => child.once("close", resolve));
  try {
    await until("Deno to answer", () => answers(socket), { seconds: 20, every: 2 });
    return performance.now() - began;
  } finally {
    child.kill("SIGKILL");
    await ended;
  }
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = http.get({ socketPath, agent: false }, (response) => {
      response.resume();
      response.on("end", () => resolve(true));
    });
    request.on("error", () => resolve(false));
  });
}
