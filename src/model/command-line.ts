import type { Launch } from "./worktree.ts";

/** What a Deno backend may do by convention; everything else is widened by configuration. */
export interface DenoRights {
  readonly socket: string;
  readonly postgresPort: number;
  readonly extra: readonly string[];
}

/** The command line of a backend, in its own directory. */
export function argvOf(launch: Launch, deno: DenoRights): readonly string[] {
  switch (launch.kind) {
    case "command":
      return launch.argv;
    case "run":
      return ["./run"];
    case "deno-task":
      // The text itself, so that what runs is what was looked at, whatever the file holds by then.
      return launch.command === undefined
        ? ["deno", "task", "--quiet", launch.task]
        : ["deno", "task", "--quiet", "--eval", launch.command];
    case "deno":
      return ["deno", "run", ...denoFlags(deno), launch.entry];
    case "node":
      return ["npm", "--silent", "start"];
  }
}

/** Its own files, its own socket, the database, its environment; no prompt, nothing else. */
function denoFlags({ socket, postgresPort, extra }: DenoRights): string[] {
  return [
    "--quiet",
    "--no-prompt",
    "--allow-env",
    "--allow-sys",
    `--allow-read=.,${socket}`,
    `--allow-write=${socket}`,
    `--allow-net=unix:${socket},127.0.0.1:${postgresPort},localhost:${postgresPort}`,
    ...extra,
  ];
}
