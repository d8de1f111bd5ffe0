import fs from "node:fs";
import http from "node:http";
import net from "node:net";
import { setTimeout } from "node:timers/promises";
import type { ConfigurationInput } from "../../src/model/configuration/configuration.ts";
import type { ServiceReport, WorktreeReport } from "../../src/model/reports.ts";
import { reports } from "../support/daemon.ts";
import { makeProject, type ProjectOptions, type TestProject } from "../support/project.ts";
import { waitFor } from "../support/wait.ts";

/** The probe's response. */
export interface Seen {
  readonly worktree: string;
  readonly service: string;
  readonly pid: number;
  readonly began: number;
  readonly method: string;
  readonly url: string;
  readonly size: number;
  readonly sha256: string;
}

/** Starts a project of probes; `settings` control each probe. */
export async function startProbes(
  config: ConfigurationInput = {},
  { settings = {}, ...options }: ProjectOptions & { settings?: Record<string, unknown> } = {},
): Promise<TestProject> {
  const project = await makeProject({
    app: "../test/on-demand/probe",
    worktrees: ["rel-05"],
    config,
    ...options,
    files: { "backend/settings.json": JSON.stringify(settings), ...options.files },
  });
  try {
    await run(project, "init");
    await run(project, "start");
  } catch (error) {
    await project.dispose();
    throw error;
  }
  return project;
}

/** Runs the command line; throws on an exit code other than 0. */
export async function run(project: TestProject, ...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await project.ikigai(...args);
  if (exitCode !== 0) throw new Error(`ikigai ${args.join(" ")}: ${exitCode}\n${stderr}`);
  return stdout;
}

/** Sends one request that the probe must answer. */
export async function ask(
  project: TestProject,
  worktree: string,
  options: Parameters<TestProject["http"]>[1] = {},
): Promise<Seen> {
  const answer = await project.http(`/${worktree}/api/x`, options);
  if (answer.status !== 200) throw new Error(`${worktree}: ${answer.status} ${answer.text}`);
  return answer.json<Seen>();
}

export async function report(project: TestProject, worktree: string): Promise<WorktreeReport> {
  const found = (await reports(project)).find(({ slug }) => slug === worktree);
  if (!found) throw new Error(`no worktree ${worktree}`);
  return found;
}

export async function service(
  project: TestProject,
  worktree: string,
  name = "backend",
): Promise<ServiceReport> {
  const found = (await report(project, worktree)).services.find(({ slug }) => slug === name);
  if (!found) throw new Error(`no service ${worktree}/${name}`);
  return found;
}

export async function waitForState(
  project: TestProject,
  worktree: string,
  state: ServiceReport["state"],
  name = "backend",
): Promise<void> {
  await waitFor(async () => (await service(project, worktree, name)).state === state, {
    what: `${worktree}/${name} is ${state}`,
    deadline: 30_000,
  });
}

/** Reads a service's log. */
export function logOf(project: TestProject, worktree: string, name = "backend"): string {
  const log = `${project.root}/.ikigai/logs/${worktree}.${name}/current`;
  return fs.existsSync(log) ? fs.readFileSync(log, "utf8") : "";
}

/** Counts a probe's starts. */
export function starts(project: TestProject, worktree: string, name = "backend"): number {
  return logOf(project, worktree, name).split("probe begins").length - 1;
}

/** Sets the behaviour of a worktree's probe from its next start on. */
export function tell(project: TestProject, worktree: string, settings: unknown): void {
  const file = `${project.worktree(worktree)}/backend/settings.json`;
  fs.writeFileSync(file, JSON.stringify(settings));
}

/** Opens an event stream; `ended` settles with everything received. */
export async function openStream(
  project: TestProject,
  worktree: string,
): Promise<{ ended: Promise<string>; close(): void }> {
  const request = http.get({
    host: "127.0.0.1",
    port: project.httpPort,
    path: `/${worktree}/api/events`,
    headers: { host: `localhost:${project.httpPort}` },
    agent: false,
  });
  const answer = await new Promise<http.IncomingMessage>((resolve, reject) => {
    request.once("response", resolve).once("error", reject);
  });
  let text = "";
  answer.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  const ended = new Promise<string>((resolve) => {
    answer.once("close", () => resolve(text));
  });
  answer.on("error", () => {});
  request.on("error", () => {});
  await waitFor(() => text.includes("begins"));
  return { ended, close: () => request.destroy() };
}

/** Opens a WebSocket as bytes: what is sent after the handshake is echoed. */
export async function openWebSocket(
  project: TestProject,
  worktree: string,
): Promise<{ head: string; echo(text: string): Promise<void>; close(): void }> {
  const socket = net.connect(project.httpPort, "127.0.0.1");
  let text = "";
  socket.setEncoding("latin1").on("data", (part) => {
    text += part;
  });
  socket.on("error", () => {});
  socket.write(
    `GET /${worktree}/api/socket HTTP/1.1\r\nHost: localhost:${project.httpPort}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  );
  await waitFor(() => text.includes("\r\n\r\n"));
  return {
    head: text.split("\r\n", 1)[0] ?? "",
    async echo(sent) {
      const before = text.length;
      socket.write(sent);
      await waitFor(() => text.slice(before).includes(sent));
    },
    close: () => socket.destroy(),
  };
}

/**
 * Sends requests, each a little later, until some of them met a service that was being stopped:
 * over about the time that a stop takes, first too early, then too late.
 */
export async function askWhileItStops(
  project: TestProject,
  worktree: string,
  shortest: number,
): Promise<void> {
  for (let pause = shortest; ; pause = pause > 4_500 ? shortest : pause + 300) {
    const { pid } = await ask(project, worktree);
    await setTimeout(pause);
    const burst = Array.from({ length: 12 }, async (_, i) => {
      await setTimeout(i * 50);
      return ask(project, worktree, i % 2 ? { method: "POST", body: "x" } : {});
    });
    const seen = await Promise.all(burst);
    if (seen.some((each) => each.pid !== pid)) return;
  }
}
