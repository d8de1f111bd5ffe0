import { z } from "zod";
import {
  argumentList,
  DENO_FLAG,
  duration,
  plainText,
  serviceName,
  variableName,
} from "./values.ts";

/** The schema of the settings of one service. */
export const serviceSchema = z.strictObject({
  command: argumentList.optional().meta({
    description:
      'The program and arguments that start the backend, in its directory. They are not run by a shell: to use a variable such as `$PORT` write `["sh", "-c", "exec …"]`. Has to be approved once.',
    examples: [["npm", "run", "dev"]],
  }),
  listen: z
    .enum(["socket", "tcp"])
    .optional()
    .meta({
      description:
        "Whether the backend listens on a Unix socket or only on a TCP port. By default Deno and Node get a socket, and an executable `run` or a command gets both.",
      examples: ["tcp"],
    }),
  http: z
    .boolean()
    .default(true)
    .meta({
      description:
        "Whether it serves HTTP. For a worker, a queue or a Redis set it to false: the service has no address, gets no socket or port, and is ready once its process has run for a second.",
      examples: [false],
    }),
  start: z
    .enum(["on-demand", "always", "manual"])
    .default("on-demand")
    .meta({
      description:
        "When it starts: at the first request; always, once its worktree has been requested; or only by command.",
      examples: ["always"],
    }),
  idle: duration.prefault("15m").meta({
    description:
      "How long it runs without traffic before it is stopped. Applies only to services started on demand.",
    examples: ["1h"],
  }),
  patience: duration.prefault("30s").meta({
    description: "Start-up timeout; after it the request gets a 503.",
    examples: ["2m"],
  }),
  ready: plainText
    .regex(/^\/[\x21-\x7e]*$/, "must be a path such as /api/health")
    .optional()
    .meta({
      description:
        "A path that answers 2xx when the backend is ready. By default it is ready when it accepts connections.",
      examples: ["/api/health"],
    }),
  after: z
    .array(serviceName)
    .default([])
    .meta({
      description: "Services of the same worktree to start before this one.",
      examples: [["worker"]],
    }),
  permissions: z
    .array(z.string().regex(DENO_FLAG, "must be a Deno flag such as --allow-net=example.com"))
    .default([])
    .meta({
      description: "Deno permissions in addition to the default ones. Have to be approved once.",
      examples: [["--allow-net=example.com"]],
    }),
  env: z
    .record(variableName, z.string().regex(/^[^\0]*$/, "must not contain NUL"))
    .default({})
    .meta({
      description:
        "Variables for this backend only. Cannot override those that ikigai sets (DATABASE_URL, PG*, IKIGAI_*, PORT, DENO_SERVE_ADDRESS).",
      examples: [{ LOG_LEVEL: "debug" }],
    }),
  enabled: z
    .boolean()
    .default(true)
    .meta({
      description: "Whether the service exists. Set to false to ignore its directory.",
      examples: [false],
    }),
});

/** The settings of one service, with defaults filled in and durations in milliseconds. */
export type ServiceConfiguration = z.output<typeof serviceSchema>;
