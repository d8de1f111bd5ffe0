import type { Command } from "./context.ts";

const JSON_OPTION = ["--json", "print JSON"] as const;

/** Every command: usage, help texts and implementation. */
export const COMMANDS: readonly Command[] = [
  {
    usage: "init",
    summary: "create .ikigai/ beside .git, or update it",
    load: async () => (await import("./commands/init.ts")).init,
  },
  {
    usage: "start",
    summary: "start everything and set up all worktrees",
    load: async () => (await import("./commands/start.ts")).start,
  },
  {
    usage: "stop",
    summary: "stop everything; all data is kept",
    load: async () => (await import("./commands/stop.ts")).stop,
  },
  {
    usage: "restart [worktree[/service]]",
    summary: "restart everything, or only the services of the named worktree",
    load: async () => (await import("./commands/restart.ts")).restart,
  },
  {
    usage: "status",
    summary: "show what is running and what is not",
    options: [JSON_OPTION],
    load: async () => (await import("./commands/status.ts")).status,
  },
  {
    usage: "up [worktree[/service]]",
    summary: "start a worktree's services",
    options: [JSON_OPTION],
    load: async () => (await import("./commands/service-control.ts")).up,
  },
  {
    usage: "down [worktree[/service]]",
    summary: "stop a worktree's services (they start again on the next request)",
    options: [JSON_OPTION],
    load: async () => (await import("./commands/service-control.ts")).down,
  },
  {
    usage: "lease <worktree[/service]> <command...>",
    summary: "keep a worktree's services running while a command runs (put -- before it)",
    load: async () => (await import("./commands/lease.ts")).lease,
  },
  {
    usage: "logs [worktree[/service]]",
    summary: "show the last lines of logs (also of nginx, postgres, daemon)",
    options: [
      ["-f, --follow", "follow the log"],
      ["-n, --lines <count>", "number of lines", "20"],
    ],
    load: async () => (await import("./commands/logs.ts")).logs,
  },
  {
    usage: "plan",
    summary: "show what ikigai would change now, and why",
    options: [JSON_OPTION],
    load: async () => (await import("./commands/plan.ts")).plan,
  },
  {
    usage: "env [worktree]",
    summary: "print a worktree's environment, for eval in a shell",
    options: [
      JSON_OPTION,
      ["--owner", "print the connection URI of the database's owner, with password"],
    ],
    load: async () => (await import("./commands/env.ts")).env,
  },
  {
    usage: "trust [worktree]",
    summary: "review and approve the commands a worktree wants to run",
    options: [JSON_OPTION, ["-y, --yes", "approve without asking"]],
    load: async () => (await import("./commands/trust.ts")).trust,
  },
  {
    usage: "wt list",
    summary: "list worktrees with branch, address, schema and services, and why one fails",
    options: [JSON_OPTION, ["-w, --watch", "refresh every second"]],
    load: async () => (await import("./commands/wt-list.ts")).wtList,
  },
  {
    usage: "wt wait [worktree]",
    summary: "wait until a worktree is ready",
    load: async () => (await import("./commands/db.ts")).wtWait,
  },
  {
    usage: "db list [worktree]",
    summary: "list schemas with their sizes, including retired ones (also: db size)",
    options: [JSON_OPTION],
    load: async () => (await import("./commands/db.ts")).dbList,
  },
  {
    usage: "db size [worktree]",
    summary: "the same as db list",
    options: [JSON_OPTION],
    hidden: true,
    load: async () => (await import("./commands/db.ts")).dbList,
  },
  {
    usage: "db branch <from>",
    summary:
      "replace a worktree's schema with a branch of another's (old data is kept and can be restored)",
    options: [
      ["--into <worktree>", "the worktree whose schema is replaced (default: this one)"],
      ["--db <mode>", "what to copy: data, structure or empty"],
      JSON_OPTION,
    ],
    load: async () => (await import("./commands/db.ts")).dbBranch,
  },
  {
    usage: "db reset [worktree]",
    summary: "reset a worktree's schema (old data is kept and can be restored)",
    options: [["--db <mode>", "what to start with: data, structure or empty"], JSON_OPTION],
    load: async () => (await import("./commands/db.ts")).dbReset,
  },
  {
    usage: "db diff <from> [to]",
    summary: "compare the structure of two worktrees' schemas",
    options: [JSON_OPTION],
    load: async () => (await import("./commands/db.ts")).dbDiff,
  },
  {
    usage: "db setup [worktree]",
    summary: "run database.migrate and database.seed again",
    load: async () => (await import("./commands/db.ts")).dbSetup,
  },
  {
    usage: "wt show [worktree]",
    summary: "show all details of one worktree",
    options: [JSON_OPTION],
    load: async () => (await import("./commands/wt-show.ts")).wtShow,
  },
  {
    usage: "wt restore [name]",
    summary: "restore retained data of a removed worktree",
    options: [
      JSON_OPTION,
      ["--list", "list retained data with date, size and expiry"],
      ["--into <worktree>", "restore into this worktree (default: the one of the same name)"],
    ],
    load: async () => (await import("./commands/wt-restore.ts")).wtRestore,
  },
  {
    usage: "wt add <name>",
    summary: "git worktree add for a branch, beside the project's other worktrees",
    options: [
      JSON_OPTION,
      ["--from <ref>", "create the branch from this commit"],
      ["--db <mode>", "what its schema starts with: data, structure or empty"],
      ["--open", "open its address in a browser"],
    ],
    load: async () => (await import("./commands/wt-add.ts")).wtAdd,
  },
  {
    usage: "wt remove <name>",
    summary: "git worktree remove, unless work would be lost; the data is kept",
    options: [["--force", "remove even if uncommitted or unpushed work would be lost"]],
    load: async () => (await import("./commands/wt-remove.ts")).wtRemove,
  },
  {
    usage: "wt prune",
    summary:
      "remove worktrees whose directory is missing or whose branch is merged; a dry run without --yes",
    options: [
      JSON_OPTION,
      ["--merged", "also worktrees whose branch is merged"],
      ["--min-age <time>", "keep merged worktrees used within this time", "7d"],
      ["--yes", "remove them"],
    ],
    load: async () => (await import("./commands/wt-prune.ts")).wtPrune,
  },
  {
    usage: "completion <shell>",
    summary: "print the completion script for bash, zsh or fish",
    load: async () => (await import("./commands/completion.ts")).completionOf(COMMANDS),
  },
  {
    usage: "doctor",
    summary: "check everything ikigai depends on, and say how to fix it",
    options: [JSON_OPTION],
    load: async () => (await import("./commands/doctor.ts")).doctor,
  },
  {
    usage: "uninstall",
    summary: "stop, and remove everything ikigai added to the repository; data is kept",
    options: [
      ["--purge", "also delete all data"],
      ["--yes", "do not ask"],
    ],
    load: async () => (await import("./commands/uninstall.ts")).uninstall,
  },
];
