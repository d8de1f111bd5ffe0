import { z } from "zod";
import { HOST_NAME } from "../nginx/settings.ts";
import { type ServiceConfiguration, serviceSchema } from "./service.ts";
import { argumentList, duration, path, plainText, port, serviceName, size } from "./values.ts";

const program = (name: string) =>
  path.optional().meta({
    description: `Path of ${name}, if it is not found automatically.`,
    examples: [`/opt/bin/${name}`],
  });

/** The schema of a configuration file. Every key is optional; unknown keys are errors. */
export const configurationSchema = z.strictObject({
  $schema: z
    .string()
    .optional()
    .meta({ description: "Location of this schema, for editors. Ignored by ikigai." }),
  http: z
    .strictObject({
      port: port(8888).meta({ description: "The port of every address.", examples: [8080] }),
      hosts: z
        .array(
          z
            .string()
            .regex(HOST_NAME, "must be a host name in lower case, without a port or a wildcard"),
        )
        .default([])
        .meta({
          description: "Host names served in addition to localhost, *.localhost and 127.0.0.1.",
          examples: [["dev.example.test"]],
        }),
    })
    .prefault({}),
  postgres: z
    .strictObject({
      port: port(15432).meta({
        description: "The port of PostgreSQL, which listens on loopback only.",
        examples: [5433],
      }),
      password: plainText
        .regex(/^[^\r\n]*$/, "must be one line")
        .optional()
        .meta({
          description:
            "The password of the database's owner, the role ikigai. By default a random one, stored in your state directory.",
          examples: ["correct horse"],
        }),
      ownerOverTcp: z
        .boolean()
        .default(false)
        .meta({
          description:
            "Whether the owner, a superuser, may also connect over TCP on loopback, for clients that do not support Unix sockets. Every process on this machine that knows the password can then act as the owner.",
          examples: [true],
        }),
      user: z
        .string()
        .regex(/^[a-z_][a-z0-9_.-]*\$?$/i, "must be an account name")
        .optional()
        .meta({
          description:
            "The operating system account that PostgreSQL runs as. Used only if you are root.",
          examples: ["postgres"],
        }),
      bin: path.optional().meta({
        description: "The directory of PostgreSQL's programs.",
        examples: ["/usr/lib/postgresql/16/bin"],
      }),
    })
    .prefault({}),
  programs: z
    .strictObject({
      nginx: program("nginx"),
      runsvdir: program("runsvdir"),
      node: program("node"),
    })
    .prefault({}),
  worktrees: z
    .strictObject({
      default: plainText.optional().meta({
        description:
          "git's name of the default worktree, which is served at addresses without a name. By default the worktree on the default branch.",
        examples: ["develop"],
      }),
      directory: plainText
        .regex(/^[^\n]*$/, "must be one line")
        .optional()
        .meta({
          description:
            "Where `ikigai wt add` creates worktrees, relative to the project's root. By default beside the other worktrees, or beside the clone.",
          examples: ["../worktrees"],
        }),
      retention: z
        .strictObject({
          age: duration.prefault("14d").meta({
            description:
              "How long the data of a removed worktree is kept. A shorter time takes effect after a day.",
            examples: ["30d"],
          }),
          count: z
            .int("must be a whole number")
            .min(0, "must not be negative")
            .default(50)
            .meta({
              description: "The maximum number of removed worktrees whose data is kept.",
              examples: [20],
            }),
        })
        .prefault({}),
    })
    .prefault({}),
  limits: z
    .strictObject({
      running: z
        .int("must be a whole number")
        .min(1, "must be at least 1")
        .optional()
        .meta({
          description:
            "The maximum number of running services; the least recently used are stopped first.",
          examples: [20],
        }),
      memory: size.optional().meta({
        description:
          "The memory that all services together may use; the least recently used are stopped first.",
        examples: ["4GB"],
      }),
    })
    .prefault({}),
  deno: z
    .strictObject({
      version: z
        .string()
        .regex(/^\d+\.\d+\.\d+$/, "must be a version such as 2.9.6")
        .default("2.9.6")
        .meta({
          description: "The version of Deno that bin/deno installs.",
          examples: ["2.9.6"],
        }),
    })
    .prefault({}),
  database: z
    .strictObject({
      branch: z
        .enum(["data", "structure", "empty"])
        .default("data")
        .meta({
          description:
            "What a new worktree's schema starts with: the tables and rows of its parent worktree, only the tables, or nothing.",
          examples: ["structure"],
        }),
      maxSize: size.prefault("1GB").meta({
        description: "If the parent's schema is larger, only its structure is copied.",
        examples: ["250MB"],
      }),
      migrate: argumentList.optional().meta({
        description:
          "The program and arguments that migrate a new schema, run in the worktree. Has to be approved once.",
        examples: [["npm", "run", "migrate"]],
      }),
      seed: argumentList.optional().meta({
        description:
          "The program and arguments that fill a schema created without rows. Has to be approved once.",
        examples: [["npm", "run", "seed"]],
      }),
      lockTimeout: duration.prefault("5s").meta({
        description: "How long a copy waits for locks on the parent's tables.",
        examples: ["30s"],
      }),
    })
    .prefault({}),
  services: z.record(serviceName, serviceSchema).default({}).meta({
    description: "Settings by service; backend is the unnamed service.",
  }),
});

/** A configuration as written: every key optional, durations and sizes as text or numbers. */
export type ConfigurationInput = z.input<typeof configurationSchema>;
/** A configuration as used: defaults filled in, durations in milliseconds, sizes in bytes. */
export type Configuration = z.output<typeof configurationSchema>;
export const DEFAULT_CONFIGURATION: Configuration = configurationSchema.parse({});
const DEFAULT_SERVICE: ServiceConfiguration = serviceSchema.parse({});

/** Returns the settings of a service, or the defaults if it is not configured. */
export function serviceConfiguration(
  configuration: Configuration,
  name: string,
): ServiceConfiguration {
  return Object.hasOwn(configuration.services, name)
    ? (configuration.services[name] ?? DEFAULT_SERVICE)
    : DEFAULT_SERVICE;
}
