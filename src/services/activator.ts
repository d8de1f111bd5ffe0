import type { WorktreeFacts } from "../discovery/facts.ts";
import { ListenSocket } from "../host/net/listen-socket.ts";
import { openConnections, waitForDrain } from "../host/net/open-connections.ts";
import { DEFAULT } from "../host/nginx/default-pointer.ts";
import { howItEnded, lastCrash } from "../host/runit/failures.ts";
import { readStatus } from "../host/runit/supervise.ts";
import { serviceConfiguration } from "../model/configuration/configuration.ts";
import { startsByItself } from "../model/start-policy.ts";
import type { Service } from "../model/worktree.ts";
import type { StepContext } from "../resources/step-context.ts";
import type { ActivatorDependencies, StartResult } from "./activator-dependencies.ts";
import { withDeadline } from "./deadline.ts";
import { isCurrent } from "./definition-freshness.ts";
import { addressesOf, endpointOf } from "./endpoints.ts";
import { Handoffs } from "./handoff.ts";
import { KeyedMutex } from "./keyed-mutex.ts";
import { awaitReadiness } from "./readiness.ts";
import { SocketLoss } from "./socket-loss.ts";
import { type NotRunning, notRunning, startRefusal, timedOut } from "./start-failure.ts";
import { mayNeedPort } from "./tcp-fallback.ts";

/** Starts services that somebody asks for, and stops them; many at once cause one start. */
export class ServiceActivator {
  readonly #host: StepContext;
  readonly #needs: ActivatorDependencies;
  readonly #turns = new KeyedMutex();
  readonly #listened = new SocketLoss();
  readonly #promised = new Handoffs();
  readonly #starting = new Map<string, { forced: boolean; result: Promise<StartResult> }>();
  readonly #admitted = new Set<string>();
  /** To be stopped as soon as what is done to them is over. */
  readonly #unwanted = new Map<string, number>();

  constructor(host: StepContext, needs: ActivatorDependencies) {
    this.#host = host;
    this.#needs = needs;
  }

  isStarting(key: string): boolean {
    return this.#turns.current(key) === "start";
  }

  isBusy(key: string): boolean {
    return this.#turns.current(key) !== undefined;
  }

  /** Whether it may not be taken away now: something is done to it, or somebody is on the way to it. */
  isInUse(key: string): boolean {
    return this.isBusy(key) || this.#promised.has(key);
  }

  /** Whether it has been given room, also if it does not run yet. */
  isAdmitted(key: string): boolean {
    return this.#admitted.has(key);
  }

  /** Settles when no service is starting or stopping any more. */
  async settled(): Promise<void> {
    await this.#turns.settled();
  }

  /**
   * Settles when the service is ready, has failed, or its patience is over.
   * `forced` also starts one that was stopped by hand, or that starts by command only.
   */
  activate(worktree: WorktreeFacts, service: Service, forced = false): Promise<StartResult> {
    const key = `${worktree.slug}.${service.slug}`;
    const known = this.#starting.get(key);
    if (known && this.isStarting(key) && known.forced >= forced) return known.result;
    const result = this.#turns.take(key, "start", () => this.#start(worktree, service, forced));
    const entry = { forced, result };
    this.#starting.set(key, entry);
    const leave = () => {
      this.#admitted.delete(key);
      if (this.#starting.get(key) === entry) this.#starting.delete(key);
    };
    result.then(leave, leave);
    return result;
  }

  /** Ends a service; the next request or command may start it again. */
  async stop(worktree: WorktreeFacts, service: Service): Promise<{ awake: false }> {
    const key = `${worktree.slug}.${service.slug}`;
    const { start } = serviceConfiguration(worktree.settings, service.name);
    await this.#stop(key, async () => {
      const door = this.#close(worktree, service);
      // Its place says that it is not wanted, where it would start by itself otherwise.
      if (startsByItself(start, worktree.isDefault)) await this.#host.serviceDirectories.stop(key);
      else await this.#host.serviceDirectories.remove(key);
      this.#host.definitions.clearFailures(key);
      door.remove();
    });
    return { awake: false };
  }

  /** Ends a service and takes its place, whatever it is; for the end of everything. */
  async dispose(worktree: WorktreeFacts, service: Service): Promise<void> {
    const key = `${worktree.slug}.${service.slug}`;
    await this.#stop(key, async () => {
      await this.#host.serviceDirectories.release(key);
      this.#host.definitions.clearFailures(key);
    });
  }

  /** A start that is going on does not keep anybody waiting who wants an end. */
  async #stop(key: string, work: () => Promise<void>): Promise<void> {
    this.#unwanted.set(key, (this.#unwanted.get(key) ?? 0) + 1);
    await this.#turns.take(key, "stop", () => {
      const others = (this.#unwanted.get(key) ?? 1) - 1;
      if (others > 0) this.#unwanted.set(key, others);
      else this.#unwanted.delete(key);
      return work();
    });
  }

  /**
   * Ends a service unless somebody uses it after all. Who comes from then on
   * finds the door closed, waits for the end, and has it started again.
   */
  async stopIfIdle(worktree: WorktreeFacts, service: Service): Promise<boolean> {
    const key = `${worktree.slug}.${service.slug}`;
    if (this.isInUse(key)) return false;
    return this.#turns.take(key, "stop", async () => {
      const door = this.#close(worktree, service);
      const open = await openConnections([endpointOf(this.#host, worktree, service)]);
      if ((open.get(key) ?? 0) > 0) {
        door.restore();
        return false;
      }
      await this.#host.serviceDirectories.remove(key);
      door.remove();
      return true;
    });
  }

  /**
   * Has a copy that knows an older definition started again, or ended where the new one is held.
   * Who is inside may finish; who comes meanwhile waits at the door for the new copy.
   */
  async restartIfOutdated(worktree: WorktreeFacts, service: Service): Promise<boolean> {
    const { serviceDirectories, definitions } = this.#host;
    const key = `${worktree.slug}.${service.slug}`;
    const isOutdated = () =>
      serviceDirectories.has(key) &&
      definitions.isOutdated(key) &&
      readStatus(serviceDirectories.path(key))?.state === "run";
    if (!isOutdated()) return false;
    return this.#turns.take(key, "stop", async () => {
      if (!isOutdated()) return false;
      const door = this.#close(worktree, service);
      await waitForDrain(endpointOf(this.#host, worktree, service), FINISH_MS);
      await this.#exchange(worktree, service);
      door.discardHidden();
      return true;
    });
  }

  /** Ends a copy; another one takes its place where what would run is approved. Answers whether one does. */
  async #exchange(worktree: WorktreeFacts, { slug }: Service): Promise<boolean> {
    const key = `${worktree.slug}.${slug}`;
    this.#listened.begin(key);
    const isHeld = worktree.trust().held.has(slug);
    await (isHeld
      ? this.#host.serviceDirectories.remove(key)
      : this.#host.serviceDirectories.restart(key));
    return !isHeld;
  }

  /** Why a service that should answer does not; nothing is started. */
  describeFailure(worktree: WorktreeFacts, service: Service, otherwise: string): NotRunning {
    const crash = lastCrash(this.#host.definitions, `${worktree.slug}.${service.slug}`);
    return notRunning(this.#host, worktree, service, crash ? howItEnded(crash) : otherwise);
  }

  async #start(worktree: WorktreeFacts, service: Service, forced: boolean): Promise<StartResult> {
    const { serviceDirectories, definitions, layout } = this.#host;
    const key = `${worktree.slug}.${service.slug}`;
    const settings = serviceConfiguration(worktree.settings, service.name);
    const deadline = performance.now() + settings.patience;
    new ListenSocket(layout, worktree.slug, service.slug).restore();
    const status = serviceDirectories.has(key)
      ? readStatus(serviceDirectories.path(key))
      : undefined;
    let runs = status?.state === "run" && status.wants === "up";
    const addresses = addressesOf(this.#host, worktree.slug, service);
    if (runs && status && this.#listened.hasLost(key, status, addresses, settings.patience))
      runs = await this.#exchange(worktree, service);
    if (!runs) {
      const refused = startRefusal(this.#host, worktree, service, forced);
      if (refused) return refused;
      const missing = await this.#prepare(worktree, service, forced, deadline);
      // A look meanwhile may have found another way of starting it.
      const late = missing ?? startRefusal(this.#host, worktree, service, true);
      if (late) return late;
      if (forced) definitions.clearFailures(key);
    }
    const earlier = lastCrash(definitions, key);
    if (!runs) this.#begin(key);
    const outcome = await awaitReadiness(
      {
        addresses,
        process: () => {
          const now = readStatus(serviceDirectories.path(key));
          return now?.state === "run" ? now : undefined;
        },
        ready: settings.ready,
        deadline,
        crash: () => lastCrash(definitions, key),
        unwanted: () => this.#unwanted.has(key),
      },
      earlier,
    );
    if (outcome === "ready") {
      this.#needs.used(key);
      this.#promised.add(key);
      this.#listened.add(key, readStatus(serviceDirectories.path(key)));
      this.#keepConnections(worktree, service);
      return { awake: true };
    }
    if (outcome === "unwanted") {
      return notRunning(this.#host, worktree, service, "it was stopped before it was ready");
    }
    if (outcome === "late") return timedOut(this.#host, worktree, service);
    if (mayNeedPort(this.#host, worktree, service)) {
      const retried = await this.#startOnPort(worktree, service, forced);
      if (retried) return retried;
    }
    await pause(LOG_MS);
    return notRunning(this.#host, worktree, service, howItEnded(outcome));
  }

  /** Once more, on TCP. What fails there too stays there until its files change. */
  async #startOnPort(
    worktree: WorktreeFacts,
    service: Service,
    forced: boolean,
  ): Promise<StartResult | undefined> {
    const found = await this.#needs.onPort(worktree.slug, service.slug, true);
    return found && this.#start(found.worktree, found.service, forced);
  }

  /** Only a socket's service can have them; TCP ports are asked for one by one. */
  #keepConnections({ slug }: WorktreeFacts, { slug: name, backend }: Service): void {
    if (backend?.listen !== "socket") return;
    const { kept, pointer } = this.#host;
    for (const worktree of pointer.slug === slug ? [slug, DEFAULT] : [slug]) {
      kept.claim(worktree, name);
    }
  }

  /** Waits for what the service needs; answers what it does not get. */
  async #prepare(
    worktree: WorktreeFacts,
    service: Service,
    forced: boolean,
    deadline: number,
  ): Promise<NotRunning | undefined> {
    const anew = !isCurrent(this.#host, worktree, service);
    const problems = await withDeadline(this.#needs.ready(worktree.slug, anew), deadline, [
      `the worktree ${worktree.slug} is not ready yet`,
    ]);
    if (problems.length > 0) {
      return notRunning(this.#host, worktree, service, problems.join(" "), "ikigai status");
    }
    const { after, start } = serviceConfiguration(worktree.settings, service.name);
    for (const name of after) {
      const first = worktree.services.find((other) => other.name === name && other.backend);
      if (!first) continue;
      const result = await this.activate(worktree, first, forced);
      if (result.awake) continue;
      const why = `it starts after ${worktree.slug}/${first.slug}, which did not start: ${result.why}`;
      return { ...result, why };
    }
    const key = `${worktree.slug}.${service.slug}`;
    const must = startsByItself(start, worktree.isDefault);
    const admit = () => void this.#admitted.add(key);
    const full = await this.#needs.room({ key, deadline, must, admit });
    if (full === undefined) return undefined;
    return notRunning(this.#host, worktree, service, full, "ikigai wt list");
  }

  #begin(key: string): void {
    const { serviceDirectories } = this.#host;
    this.#listened.begin(key);
    if (!serviceDirectories.has(key)) serviceDirectories.place(key);
    else if (readStatus(serviceDirectories.path(key))?.state === "finish")
      serviceDirectories.retryNow(key);
    serviceDirectories.up(key);
  }

  #close(worktree: WorktreeFacts, service: Service): ListenSocket {
    const door = new ListenSocket(this.#host.layout, worktree.slug, service.slug);
    door.hide(this.#host.ports.get(`${worktree.slug}/${service.slug}`) !== undefined);
    return door;
  }
}

/** Requests that take longer, event streams and WebSockets are cut by a change of the definition. */
const FINISH_MS = 10_000;
/** What it wrote last has to go through a pipe before it is in its log. */
const LOG_MS = 20;
function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
