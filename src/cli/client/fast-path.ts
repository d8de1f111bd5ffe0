import fs from "node:fs";
import net from "node:net";
import { dirname, resolve } from "node:path";
import { pc } from "../output/colours.ts";
import type { Noticed } from "../output/notices.ts";
import { listText } from "../output/worktree-list.ts";

/**
 * Runs `ikigai wt list`, which people and scripts call again and again, without loading the other
 * commands. Undefined for everything else, and whenever anything is not as usual: the command itself
 * then knows what to do and to say.
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

/** Undefined where the directory was deleted: the command itself says so. */
function here(): string | undefined {
  try {
    return process.cwd();
  } catch {
    return undefined;
  }
}

/** Straight to the descriptor: making `process.stdout` costs as much as asking the daemon. */
function print(text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += fs.writeSync(1, bytes, at);
    } catch {
      // Full for the moment, or closed: the stream waits for the one and tells of the other.
      process.stdout.on("error", () => process.exit(0)).write(bytes.subarray(at));
      return;
    }
  }
}

/**
 * The project's `.ikigai`, where that is plain to see; `findProject` knows the other cases. What a
 * branch can hold is never taken for it: git tracks links and directories, and no sockets.
 */
function nearest(from: string): string | undefined {
  for (let directory = resolve(from); ; directory = dirname(directory)) {
    const dotGit = look(`${directory}/.git`);
    const beside = dotGit?.isFile() ? besideRepository(directory) : undefined;
    const ikigai = beside ?? `${directory}/.ikigai`;
    const present = look(ikigai);
    if (present?.isDirectory()) {
      const isOurs = present.uid === UID && isOwnSocket(`${ikigai}/daemon.sock`);
      return isOurs ? ikigai : undefined;
    }
    if (present || dotGit || directory === dirname(directory)) return undefined;
  }
}

/** Of a linked worktree's top: git's own name for it lies in the common directory's `worktrees`. */
function besideRepository(top: string): string | undefined {
  const text = fs.readFileSync(`${top}/.git`, "utf8");
  const [, common] = /^gitdir: ([^\n]+)\/worktrees\/[^/\n]+\n*$/.exec(text) ?? [];
  return common && `${dirname(resolve(top, common))}/.ikigai`;
}

const UID = process.getuid?.();

function isOwnSocket(path: string): boolean {
  const stat = look(path);
  return stat?.isSocket() === true && stat.uid === UID;
}

function look(path: string): fs.Stats | undefined {
  try {
    return fs.lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** The body of a 200; undefined for any other answer, and for none. */
function ask(ikigai: string, path: string): Promise<string | undefined> {
  const before = process.cwd();
  return new Promise((settle) => {
    let text = "";
    const end = () => {
      const head = text.indexOf("\r\n\r\n");
      settle(/^HTTP\/1\.\d 200 /.test(text) && head > 0 ? text.slice(head + 4) : undefined);
    };
    // A socket's address holds 108 bytes (unix(7)), and is read while connecting begins.
    process.chdir(ikigai);
    // HTTP without node:http, whose loading alone takes as long as the answer.
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
