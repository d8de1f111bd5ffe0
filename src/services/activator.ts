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

/** Activates and stops services; concurrent requests for one service share one start. */
export class ServiceActivator {
  readonly #host: StepContext;
  readonly #dependencies: ActivatorDependencies;
  readonly #turns = new KeyedMutex();
  readonly #socketLoss = new SocketLoss();
  readonly #handoffs = new Handoffs();
  readonly #starting = new Map<string, { forced: boolean; result: Promise<StartResult> }>();
  readonly #admitted = new Set<string>();
  /** The number of pending stops by service: a start in progress gives up. */
  readonly #pendingStops = new Map<string, number>();

  constructor(host: StepContext, needs: ActivatorDependencies) {
    this.#host = host;
    this.#dependencies = needs;
  }

  isStarting(key: string): boolean {
    return this.#turns.current(key) === "start";
  }

  isBusy(key: string): boolean {
    return this.#turns.current(key) !== undefined;
  }

  /** Whether it must not be stopped now: it is starting or stopping, or a request is on its way to it. */
  isInUse(key: string): boolean {
    return this.isBusy(key) || this.#handoffs.has(key);
  }

  /** Whether it has been admitted, even if it is not running yet. */
  isAdmitted(key: string): boolean {
    return this.#admitted.has(key);
  }

  /** Resolves when no service is starting or stopping. */
  async settled(): Promise<void> {
    await this.#turns.settled();
  }

  /**
   * Starts a service unless it is running; resolves when it is ready, has failed, or has timed out.
   *
   * @param forced also start a service that was stopped by hand, or whose start policy is `manual`
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

  /** Stops a service; the next request or command may start it again. */
  async stop(worktree: WorktreeFacts, service: Service): Promise<{ awake: false }> {
    const key = `${worktree.slug}.${service.slug}`;
    const { start } = serviceConfiguration(worktree.settings, service.name);
    await this.#stop(key, async () => {
      const socket = this.#hideSocket(worktree, service);
      // Keep the service directory of one that starts by itself: it records that the service is stopped.
      if (startsByItself(start, worktree.isDefault)) await this.#host.serviceDirectories.stop(key);
      else await this.#host.serviceDirectories.remove(key);
      this.#host.definitions.clearFailures(key);
      socket.remove();
    });
    return { awake: false };
  }

  /** Stops a service and removes its service directory, for when everything is stopped. */
  async dispose(worktree: WorktreeFacts, service: Service): Promise<void> {
    const key = `${worktree.slug}.${service.slug}`;
    await this.#stop(key, async () => {
      await this.#host.serviceDirectories.release(key);
      this.#host.definitions.clearFailures(key);
    });
  }

  /** Queues a stop; a start in progress gives up, so that the stop need not wait for it. */
  async #stop(key: string, work: () => Promise<void>): Promise<void> {
    this.#pendingStops.set(key, (this.#pendingStops.get(key) ?? 0) + 1);
    await this.#turns.take(key, "stop", () => {
      const others = (this.#pendingStops.get(key) ?? 1) - 1;
      if (others > 0) this.#pendingStops.set(key, others);
      else this.#pendingStops.delete(key);
      return work();
    });
  }

  /**
   * Stops a service unless it has open connections. Hides its socket first, so that new requests go to
   * the gate, wait there for the stop, and start it again.
   */
  async stopIfIdle(worktree: WorktreeFacts, service: Service): Promise<boolean> {
    const key = `${worktree.slug}.${service.slug}`;
    if (this.isInUse(key)) return false;
    return this.#turns.take(key, "stop", async () => {
      const socket = this.#hideSocket(worktree, service);
      const open = await openConnections([endpointOf(this.#host, worktree, service)]);
      if ((open.get(key) ?? 0) > 0) {
        socket.restore();
        return false;
      }
      await this.#host.serviceDirectories.remove(key);
      socket.remove();
      return true;
    });
  }

  /**
   * Restarts a service that runs with an outdated definition, or stops it if the new one is not approved.
   * Open requests get 10 s to finish; new requests wait at the gate for the new process.
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
      const socket = this.#hideSocket(worktree, service);
      await waitForDrain(endpointOf(this.#host, worktree, service), DRAIN_MS);
      await this.#restart(worktree, service);
      socket.discardHidden();
      return true;
    });
  }

  /**
   * Restarts a service, or only stops it if what would run is not approved. Returns whether it was restarted.
   */
  async #restart(worktree: WorktreeFacts, { slug }: Service): Promise<boolean> {
    const key = `${worktree.slug}.${slug}`;
    this.#socketLoss.begin(key);
    const isHeld = worktree.trust().held.has(slug);
    await (isHeld
      ? this.#host.serviceDirectories.remove(key)
      : this.#host.serviceDirectories.restart(key));
    return !isHeld;
  }

  /** Explains why a service does not answer; starts nothing. */
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
    if (runs && status && this.#socketLoss.hasLost(key, status, addresses, settings.patience))
      runs = await this.#restart(worktree, service);
    if (!runs) {
      const refused = startRefusal(this.#host, worktree, service, forced);
      if (refused) return refused;
      const missing = await this.#prepare(worktree, service, forced, deadline);
      // A reconcile in the meantime may have changed its definition, so check again.
      const late = missing ?? startRefusal(this.#host, worktree, service, true);
      if (late) return late;
      if (forced) definitions.clearFailures(key);
    }
    const earlier = lastCrash(definitions, key);
    if (!runs) this.#startProcess(key);
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
        unwanted: () => this.#pendingStops.has(key),
      },
      earlier,
    );
    if (outcome === "ready") {
      this.#dependencies.used(key);
      this.#handoffs.add(key);
      this.#socketLoss.add(key, readStatus(serviceDirectories.path(key)));
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

  /**
   * Retries the start with a TCP port. A service that fails there too keeps the port until its files change.
   */
  async #startOnPort(
    worktree: WorktreeFacts,
    service: Service,
    forced: boolean,
  ): Promise<StartResult | undefined> {
    const found = await this.#dependencies.onPort(worktree.slug, service.slug, true);
    return found && this.#start(found.worktree, found.service, forced);
  }

  /** Claims keep-alive slots for a service on a socket; services on TCP ports have none. */
  #keepConnections({ slug }: WorktreeFacts, { slug: name, backend }: Service): void {
    if (backend?.listen !== "socket") return;
    const { kept, pointer } = this.#host;
    for (const worktree of pointer.slug === slug ? [slug, DEFAULT] : [slug]) {
      kept.claim(worktree, name);
    }
  }

  /**
   * Waits for what a start needs: its worktree, the services it starts after, and room. Returns the failure,
   * if any.
   */
  async #prepare(
    worktree: WorktreeFacts,
    service: Service,
    forced: boolean,
    deadline: number,
  ): Promise<NotRunning | undefined> {
    const anew = !isCurrent(this.#host, worktree, service);
    const problems = await withDeadline(this.#dependencies.ready(worktree.slug, anew), deadline, [
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
    const full = await this.#dependencies.room({ key, deadline, must, admit });
    if (full === undefined) return undefined;
    return notRunning(this.#host, worktree, service, full, "ikigai wt list");
  }

  #startProcess(key: string): void {
    const { serviceDirectories } = this.#host;
    this.#socketLoss.begin(key);
    if (!serviceDirectories.has(key)) serviceDirectories.place(key);
    else if (readStatus(serviceDirectories.path(key))?.state === "finish")
      serviceDirectories.retryNow(key);
    serviceDirectories.up(key);
  }

  #hideSocket(worktree: WorktreeFacts, service: Service): ListenSocket {
    const socket = new ListenSocket(this.#host.layout, worktree.slug, service.slug);
    socket.hide(this.#host.ports.get(`${worktree.slug}/${service.slug}`) !== undefined);
    return socket;
  }
}

/** A changed definition cuts off requests that take longer, event streams and WebSockets. */
const DRAIN_MS = 10_000;
/** The last output of a process reaches its log through a pipe, which takes a moment. */
const LOG_MS = 20;
function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
