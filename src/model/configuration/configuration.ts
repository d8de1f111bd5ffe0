import { z } from "zod";
import { HOST_NAME } from "../nginx/settings.ts";
import { type ServiceConfiguration, serviceSchema } from "./service.ts";
import { argumentList, duration, path, plainText, port, serviceName, size } from "./values.ts";

const program = (name: string) =>
  path.optional().meta({
    description: `Path of ${name}, where it is not found by itself.`,
    examples: [`/opt/bin/${name}`],
  });

/** What a configuration file may say. Every key is optional; unknown keys are problems. */
export const configurationSchema = z.strictObject({
  $schema: z
    .string()
    .optional()
    .meta({ description: "Where an editor finds this format. Not read by ikigai." }),
  http: z
    .strictObject({
      port: port(8888).meta({ description: "The port of every address.", examples: [8080] }),
      hosts: z
        .array(
          z
            .string()
            .regex(HOST_NAME, "must be a host's name in lower case, without a port or a wildcard"),
        )
        .default([])
        .meta({
          description: "Host names that are answered besides localhost, *.localhost and 127.0.0.1.",
          examples: [["dev.example.test"]],
        }),
    })
    .prefault({}),
  postgres: z
    .strictObject({
      port: port(15432).meta({
        description: "The port of PostgreSQL, on loopback only.",
        examples: [5433],
      }),
      password: plainText
        .regex(/^[^\r\n]*$/, "must be one line")
        .optional()
        .meta({
          description:
            "The password of the owner, ikigai. Left out, it is a random one, kept in your state directory.",
          examples: ["correct horse"],
        }),
      ownerOverTcp: z
        .boolean()
        .default(false)
        .meta({
          description:
            "Whether the owner, a superuser, may also connect over TCP on loopback, as clients without Unix sockets need. Every process of this machine that knows the password can then be the owner.",
          examples: [true],
        }),
      user: z
        .string()
        .regex(/^[a-z_][a-z0-9_.-]*\$?$/i, "must be an account's name")
        .optional()
        .meta({
          description:
            "The account of the operating system that PostgreSQL runs as. Matters only when you are root.",
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
          "git's name of the worktree that answers without a name in the address. Otherwise the one on the default branch.",
        examples: ["develop"],
      }),
      directory: plainText
        .regex(/^[^\n]*$/, "must be one line")
        .optional()
        .meta({
          description:
            "Where `ikigai wt add` puts worktrees, from the project's root on. Otherwise beside the others, or beside the clone.",
          examples: ["../worktrees"],
        }),
      retention: z
        .strictObject({
          age: duration.prefault("14d").meta({
            description:
              "How long a removed worktree's data can be restored. A shorter time takes effect after a day.",
            examples: ["30d"],
          }),
          count: z
            .int("must be a whole number")
            .min(0, "must not be negative")
            .default(50)
            .meta({
              description: "How many removed worktrees' data are kept at most.",
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
            "How many services run at once at most; those not used for longest stop first.",
          examples: [20],
        }),
      memory: size.optional().meta({
        description:
          "How much memory all services may use together; those not used for longest stop first.",
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
            "What a new worktree's schema begins with: tables and rows of the worktree that it was made from, its tables, or nothing.",
          examples: ["structure"],
        }),
      maxSize: size.prefault("1GB").meta({
        description: "Above this size only the structure is copied.",
        examples: ["250MB"],
      }),
      migrate: argumentList.optional().meta({
        description:
          "The program and arguments that bring a schema up to date, in the worktree. Needs approval once.",
        examples: [["npm", "run", "migrate"]],
      }),
      seed: argumentList.optional().meta({
        description:
          "The program and arguments that fill a schema that began without rows. Needs approval once.",
        examples: [["npm", "run", "seed"]],
      }),
      lockTimeout: duration.prefault("5s").meta({
        description: "How long a copy waits for a lock on the tables that it is made from.",
        examples: ["30s"],
      }),
    })
    .prefault({}),
  services: z.record(serviceName, serviceSchema).default({}).meta({
    description: "Overrides by service; backend is the unnamed one.",
  }),
});

/** What a person writes: every key optional, durations and sizes as text or numbers. */
export type ConfigurationInput = z.input<typeof configurationSchema>;
/** What the program reads: defaults filled in, durations in milliseconds, sizes in bytes. */
export type Configuration = z.output<typeof configurationSchema>;
export const DEFAULT_CONFIGURATION: Configuration = configurationSchema.parse({});
const DEFAULT_SERVICE: ServiceConfiguration = serviceSchema.parse({});

/** The settings of a service, configured or not. */
export function serviceConfiguration(
  configuration: Configuration,
  name: string,
): ServiceConfiguration {
  return Object.hasOwn(configuration.services, name)
    ? (configuration.services[name] ?? DEFAULT_SERVICE)
    : DEFAULT_SERVICE;
}
