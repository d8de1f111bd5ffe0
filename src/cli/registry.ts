import type { Command } from "./context.ts";

const JSON_OPTION = ["--json", "print JSON"] as const;

/** Every command, as typed. */
export const COMMANDS: readonly Command[] = [
  {
    usage: "init",
    summary: "make .ikigai/ beside .git, or bring it up to date",
    load: async () => (await import("./commands/init.ts")).init,
  },
  {
    usage: "start",
    summary: "start everything and bring every worktree in line",
    load: async () => (await import("./commands/start.ts")).start,
  },
  {
    usage: "stop",
    summary: "stop everything; no data is touched",
    load: async () => (await import("./commands/stop.ts")).stop,
  },
  {
    usage: "restart [worktree[/service]]",
    summary: "stop, then start: everything, or a worktree's services where one is named",
    load: async () => (await import("./commands/restart.ts")).restart,
  },
  {
    usage: "status",
    summary: "what runs and what does not",
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
    summary: "stop a worktree's services until somebody asks for them",
    options: [JSON_OPTION],
    load: async () => (await import("./commands/service-control.ts")).down,
  },
  {
    usage: "lease <worktree[/service]> <command...>",
    summary: "keep a worktree's services up while a command runs (write -- before it)",
    load: async () => (await import("./commands/lease.ts")).lease,
  },
  {
    usage: "logs [worktree[/service]]",
    summary: "the last lines of logs (also: nginx, postgres, daemon)",
    options: [
      ["-f, --follow", "go on as lines come"],
      ["-n, --lines <count>", "how many lines", "20"],
    ],
    load: async () => (await import("./commands/logs.ts")).logs,
  },
  {
    usage: "plan",
    summary: "what would be done now, and why",
    options: [JSON_OPTION],
    load: async () => (await import("./commands/plan.ts")).plan,
  },
  {
    usage: "env [worktree]",
    summary: "a worktree's environment, for eval in a shell",
    options: [
      JSON_OPTION,
      ["--owner", "the connection URI of the database's owner, with password"],
    ],
    load: async () => (await import("./commands/env.ts")).env,
  },
  {
    usage: "trust [worktree]",
    summary: "show what a worktree would run and nobody has approved, and approve it",
    options: [JSON_OPTION, ["-y, --yes", "approve without asking"]],
    load: async () => (await import("./commands/trust.ts")).trust,
  },
  {
    usage: "wt list",
    summary: "every worktree with its branch, address, schema and services; why one fails",
    options: [JSON_OPTION, ["-w, --watch", "again every second"]],
    load: async () => (await import("./commands/wt-list.ts")).wtList,
  },
  {
    usage: "wt wait [worktree]",
    summary: "return when a worktree has all that it is to have",
    load: async () => (await import("./commands/db.ts")).wtWait,
  },
  {
    usage: "db list [worktree]",
    summary: "every schema with its size, those put aside included (also: db size)",
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
    summary: "make a worktree's schema a branch of another's; what it held is put aside",
    options: [
      ["--into <worktree>", "another worktree than this one"],
      ["--db <mode>", "data, structure or empty"],
      JSON_OPTION,
    ],
    load: async () => (await import("./commands/db.ts")).dbBranch,
  },
  {
    usage: "db reset [worktree]",
    summary: "begin a worktree's schema anew; what it held is put aside",
    options: [["--db <mode>", "data, structure or empty"], JSON_OPTION],
    load: async () => (await import("./commands/db.ts")).dbReset,
  },
  {
    usage: "db diff <from> [to]",
    summary: "what differs in structure between two worktrees' schemas",
    options: [JSON_OPTION],
    load: async () => (await import("./commands/db.ts")).dbDiff,
  },
  {
    usage: "db setup [worktree]",
    summary: "run database.migrate and database.seed once more",
    load: async () => (await import("./commands/db.ts")).dbSetup,
  },
  {
    usage: "wt show [worktree]",
    summary: "one worktree in full",
    options: [JSON_OPTION],
    load: async () => (await import("./commands/wt-show.ts")).wtShow,
  },
  {
    usage: "wt restore [name]",
    summary: "bring a removed worktree's data back",
    options: [
      JSON_OPTION,
      ["--list", "what can be brought back, since when, how large, and until when"],
      ["--into <worktree>", "into another worktree than that of its name"],
    ],
    load: async () => (await import("./commands/wt-restore.ts")).wtRestore,
  },
  {
    usage: "wt add <name>",
    summary: "git worktree add for a branch, in this project's place for worktrees",
    options: [
      JSON_OPTION,
      ["--from <ref>", "make the branch, from there"],
      ["--db <mode>", "what its schema begins with: data, structure or empty"],
      ["--open", "open its address in a browser"],
    ],
    load: async () => (await import("./commands/wt-add.ts")).wtAdd,
  },
  {
    usage: "wt remove <name>",
    summary: "git worktree remove, unless work would be lost; the data is kept",
    options: [["--force", "also with work that is nowhere else"]],
    load: async () => (await import("./commands/wt-remove.ts")).wtRemove,
  },
  {
    usage: "wt prune",
    summary: "remove worktrees that are gone or merged; shows them first",
    options: [
      JSON_OPTION,
      ["--merged", "also those whose branch is in the default one"],
      ["--min-age <time>", "only those not used for this long", "7d"],
      ["--yes", "do it"],
    ],
    load: async () => (await import("./commands/wt-prune.ts")).wtPrune,
  },
  {
    usage: "completion <shell>",
    summary: "completion for bash, zsh or fish",
    load: async () => (await import("./commands/completion.ts")).completionOf(COMMANDS),
  },
  {
    usage: "doctor",
    summary: "look at everything ikigai depends on, and say how to mend it",
    options: [JSON_OPTION],
    load: async () => (await import("./commands/doctor.ts")).doctor,
  },
  {
    usage: "uninstall",
    summary: "stop, and leave the repository as it was; the data stays",
    options: [
      ["--purge", "drop all data as well"],
      ["--yes", "without asking"],
    ],
    load: async () => (await import("./commands/uninstall.ts")).uninstall,
  },
];
