import type { Facts, WorktreeFacts } from "../discovery/facts.ts";
import { sha256, toBuffer } from "../host/fs/files.ts";
import type { Checked } from "../host/runit/definitions.ts";
import { readStatus } from "../host/runit/supervise.ts";
import { argvOf } from "../model/command-line.ts";
import { serviceConfiguration } from "../model/configuration/configuration.ts";
import { serviceVariables, worktreeVariables } from "../model/environment-variables.ts";
import type { Backend, Service } from "../model/worktree.ts";
import type { Resource } from "./resource.ts";
import type { StepContext } from "./step-context.ts";

interface Want {
  readonly worktree: WorktreeFacts;
  readonly service: Service;
  readonly backend: Backend;
  readonly facts: Facts;
  /** A hash that changes whenever the definition has to be rewritten. */
  readonly mark: string;
  readonly checked?: Checked | undefined;
}

interface Have {
  readonly mark: string;
  /** The hash of the approved content of its start file. */
  readonly checked: string;
}

/**
 * A backend under runit: writes its definition, and removes its service directory and port with it. A
 * running process keeps its old definition until it is restarted (`ServiceActivator.restartIfOutdated`).
 */
export const runitService: Resource<Want, Have> = {
  kind: "service",

  desired(facts) {
    const wants = new Map<string, Want>();
    for (const worktree of facts.worktrees) {
      for (const service of worktree.services) {
        const { backend } = service;
        if (!backend) continue;
        const settings = serviceConfiguration(worktree.settings, service.name);
        const mark = sha256(
          JSON.stringify([
            toBuffer(backend.directory).toString("hex"),
            backend.launch,
            backend.listen,
            settings.env,
            settings.permissions,
            worktree.identity,
            facts.secretId,
            facts.layout.root,
            facts.httpPort,
            facts.postgresPort,
            FORMAT,
          ]),
        );
        const checked = worktree.checked(service);
        const want = { worktree, service, backend, facts, mark, checked };
        wants.set(`${worktree.slug}.${service.slug}`, want);
      }
    }
    return wants;
  },

  async observe({ definitions, serviceDirectories, ports }, scope) {
    const names = new Set([...definitions.names(scope), ...serviceDirectories.names()]);
    return new Map(
      [...names]
        .filter((name) => !scope || scope.has(name.split(".", 1)[0] ?? ""))
        .map((name) => {
          const mark = definitions.fingerprint(name) ?? "";
          const port = definitions.port(name);
          // The record of ports was lost or damaged, so nginx would not find the service.
          const strayed = port !== 0 && ports.get(name.replace(".", "/")) !== port;
          const pid = settledPid(serviceDirectories, name);
          const isLost = pid !== undefined && definitions.runningInstance(name).pid !== pid;
          const checked = definitions.approvedHash(name);
          return [name, { mark: strayed || isLost ? "" : mark, checked }];
        }),
    );
  },

  compare(want, have) {
    if (!want) return { action: "remove", why: "the service or its worktree was removed" };
    if (!have) return { action: "create", why: "the worktree has a backend" };
    if (want.mark !== have.mark) return { action: "update", why: "its definition changed" };
    const checked = want.checked ? sha256(want.checked.content) : "";
    return checked === have.checked
      ? undefined
      : { action: "update", why: "the approved content of its start file changed" };
  },

  async apply(host, step, want) {
    const { definitions, serviceDirectories, ports } = host;
    if (!want) {
      await serviceDirectories.remove(step.key);
      definitions.remove(step.key);
      ports.release(step.key.replace(".", "/"));
      return;
    }
    const { worktree, service, backend, facts } = want;
    const address = `${worktree.slug}/${service.slug}`;
    if (backend.listen === "none") ports.release(address);
    const takesPort = backend.listen === "tcp" || backend.listen === "either";
    const port = takesPort ? await ports.allocate(address) : undefined;
    const socket = host.socketPath(worktree.slug, service.slug);
    const settings = serviceConfiguration(worktree.settings, service.name);
    const password = facts.passwordOf(worktree);
    definitions.write(step.key, {
      directory: backend.directory,
      argv: argvOf(backend.launch, {
        socket,
        postgresPort: facts.postgresPort,
        extra: settings.permissions,
      }),
      environment: {
        ...settings.env,
        ...worktreeVariables(worktree.slug, facts.layout, facts, password),
        ...serviceVariables(
          {
            worktree: worktree.slug,
            service: service.slug,
            unnamed: service.unnamed,
            socket,
            listen: backend.listen,
            ...(port === undefined ? {} : { port }),
          },
          facts,
          password,
        ),
      },
      mark: want.mark,
      ...(want.checked ? { checked: want.checked } : {}),
    });
    const pid = settledPid(serviceDirectories, step.key);
    if (pid !== undefined) definitions.adopt(step.key, pid);
  },
};

/** Returns the pid of a process that has run long enough to have recorded its own definition. */
function settledPid(slots: StepContext["serviceDirectories"], key: string): number | undefined {
  const status = slots.has(key) ? readStatus(slots.path(key)) : undefined;
  const age = status && Date.now() / 1_000 - status.since;
  return status?.state === "run" && age !== undefined && age > SETTLED_S ? status.pid : undefined;
}

const SETTLED_S = 5;

/** The format of definitions; raise it when that changes, so that older ones are rewritten. */
const FORMAT = 2;
