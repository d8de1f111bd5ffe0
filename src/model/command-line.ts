import type { Launch } from "./worktree.ts";

/** The permissions of a Deno backend; `extra` are flags from the configuration. */
export interface DenoRights {
  readonly socket: string;
  readonly postgresPort: number;
  readonly extra: readonly string[];
}

/** Returns the command line of a backend, to be run in its own directory. */
export function argvOf(launch: Launch, deno: DenoRights): readonly string[] {
  switch (launch.kind) {
    case "command":
      return launch.argv;
    case "run":
      return ["./run"];
    case "deno-task":
      // Pass the text of the task, so that what was checked is run even if the file changes meanwhile.
      return launch.command === undefined
        ? ["deno", "task", "--quiet", launch.task]
        : ["deno", "task", "--quiet", "--eval", launch.command];
    case "deno":
      return ["deno", "run", ...denoFlags(deno), launch.entry];
    case "node":
      return ["npm", "--silent", "start"];
  }
}

/** Permits its own directory, its socket, the database and its environment; never prompts. */
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
