import fs from "node:fs";
import net from "node:net";
import { dirname, resolve } from "node:path";
import { pc } from "../output/colours.ts";
import type { Noticed } from "../output/notices.ts";
import { listText } from "../output/worktree-list.ts";

/**
 * Runs `ikigai wt list`, which users and scripts call often, without loading the other commands.
 * Returns undefined for any other command and in every unusual case; the full command then handles it.
 */
export async function tryFastPath(argv: readonly string[]): Promise<number | undefined> {
  const [wt, list, flag, more] = argv;
  if (wt !== "wt" || list !== "list" || more !== undefined) return undefined;
  if (flag !== undefined && flag !== "--json") return undefined;
  const cwd = here();
  const ikigai = cwd && nearest(cwd);
  if (ikigai === undefined) return undefined;
  const answer = await ask(ikigai, "/v1/worktrees");
  if (answer === undefined) return undefined;
  const seen = { ...(JSON.parse(answer) as Noticed), running: true };
  const { out, say } = listText(seen, { json: flag !== undefined, colours: pc });
  print(out);
  if (say.length > 0) process.stderr.write(say.map((line) => `${line}\n`).join(""));
  return 0;
}

/** Returns the current directory; undefined if it was deleted, which the full command reports. */
function here(): string | undefined {
  try {
    return process.cwd();
  } catch {
    return undefined;
  }
}

/** Writes to the descriptor directly: creating `process.stdout` takes as long as asking the daemon. */
function print(text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += fs.writeSync(1, bytes, at);
    } catch {
      // EAGAIN or EPIPE: the stream waits for the former and reports the latter.
      process.stdout.on("error", () => process.exit(0)).write(bytes.subarray(at));
      return;
    }
  }
}

/**
 * Finds the project's `.ikigai` in the common cases; `findProject` handles the others. Requires the
 * daemon's socket in it, so that nothing a branch contains is accepted: git cannot track sockets.
 */
function nearest(from: string): string | undefined {
  for (let directory = resolve(from); ; directory = dirname(directory)) {
    const dotGit = statOf(`${directory}/.git`);
    const beside = dotGit?.isFile() ? besideRepository(directory) : undefined;
    const ikigai = beside ?? `${directory}/.ikigai`;
    const present = statOf(ikigai);
    if (present?.isDirectory()) {
      const isOurs = present.uid === UID && isOwnSocket(`${ikigai}/daemon.sock`);
      return isOurs ? ikigai : undefined;
    }
    if (present || dotGit || directory === dirname(directory)) return undefined;
  }
}

/** Finds `.ikigai` from a linked worktree: its `.git` file points into the common directory's `worktrees`. */
function besideRepository(top: string): string | undefined {
  const text = fs.readFileSync(`${top}/.git`, "utf8");
  const [, common] = /^gitdir: ([^\n]+)\/worktrees\/[^/\n]+\n*$/.exec(text) ?? [];
  return common && `${dirname(resolve(top, common))}/.ikigai`;
}

const UID = process.getuid?.();

function isOwnSocket(path: string): boolean {
  const stat = statOf(path);
  return stat?.isSocket() === true && stat.uid === UID;
}

function statOf(path: string): fs.Stats | undefined {
  try {
    return fs.lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** Returns the body of a 200 answer; undefined for any other, or for none. */
function ask(ikigai: string, path: string): Promise<string | undefined> {
  const before = process.cwd();
  return new Promise((settle) => {
    let text = "";
    const end = () => {
      const head = text.indexOf("\r\n\r\n");
      settle(/^HTTP\/1\.\d 200 /.test(text) && head > 0 ? text.slice(head + 4) : undefined);
    };
    // A socket address holds 108 bytes (unix(7)); it is resolved when connecting starts, hence the chdir.
    process.chdir(ikigai);
    // Plain HTTP/1.0 by hand: loading node:http alone takes as long as the request.
    const socket = net.connect({ path: "daemon.sock" });
    process.chdir(before);
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => {
      text += chunk;
    });
    socket.on("end", end);
    socket.on("error", () => settle(undefined));
    socket.write(`GET ${path} HTTP/1.0\r\nHost: ikigai\r\n\r\n`);
  });
}
