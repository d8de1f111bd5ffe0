import { z } from "zod";
import {
  argumentList,
  DENO_FLAG,
  duration,
  plainText,
  serviceName,
  variableName,
} from "./values.ts";

/** The overrides of one service. */
export const serviceSchema = z.strictObject({
  command: argumentList.optional().meta({
    description:
      'The program and arguments that start the backend, in its directory. No shell reads them: for a variable such as `$PORT` write `["sh", "-c", "exec …"]`. Needs approval once.',
    examples: [["npm", "run", "dev"]],
  }),
  listen: z
    .enum(["socket", "tcp"])
    .optional()
    .meta({
      description:
        "Whether the backend can listen on a Unix socket or only on a TCP port. Without it Deno and Node are given a socket, and an executable `run` or a command is given both.",
      examples: ["tcp"],
    }),
  http: z
    .boolean()
    .default(true)
    .meta({
      description:
        "Whether it answers HTTP. A worker, a queue or a Redis does not: it has no address and is given none to listen at, and is ready once its process has run for a second.",
      examples: [false],
    }),
  start: z
    .enum(["on-demand", "always", "manual"])
    .default("on-demand")
    .meta({
      description:
        "When it starts: at the first request; always, from when somebody has asked for its worktree; or by command only.",
      examples: ["always"],
    }),
  idle: duration.prefault("15m").meta({
    description:
      "How long it may go without traffic before it is stopped. Only what was started on demand is.",
    examples: ["1h"],
  }),
  patience: duration.prefault("30s").meta({
    description: "How long a first request waits for it to be ready before the answer is 503.",
    examples: ["2m"],
  }),
  ready: plainText
    .regex(/^\/[\x21-\x7e]*$/, "must be a path such as /api/health")
    .optional()
    .meta({
      description:
        "The path that answers 2xx when the backend is ready. Without it, ready is when it accepts a connection.",
      examples: ["/api/health"],
    }),
  after: z
    .array(serviceName)
    .default([])
    .meta({
      description: "Services of the same worktree that are started before it.",
      examples: [["worker"]],
    }),
  permissions: z
    .array(z.string().regex(DENO_FLAG, "must be a Deno flag such as --allow-net=example.com"))
    .default([])
    .meta({
      description: "Deno permissions beyond the few that a backend is given. Needs approval once.",
      examples: [["--allow-net=example.com"]],
    }),
  env: z
    .record(variableName, z.string().regex(/^[^\0]*$/, "must not hold a NUL"))
    .default({})
    .meta({
      description:
        "Variables for the backend alone. Not those that ikigai sets (DATABASE_URL, PG*, IKIGAI_*, PORT, DENO_SERVE_ADDRESS).",
      examples: [{ LOG_LEVEL: "debug" }],
    }),
  enabled: z
    .boolean()
    .default(true)
    .meta({
      description: "Whether the service exists at all.",
      examples: [false],
    }),
});

/** The settings of one service, defaults filled in; durations in milliseconds. */
export type ServiceConfiguration = z.output<typeof serviceSchema>;
