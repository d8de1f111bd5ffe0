import { constants } from "node:os";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"];
/** How long a program may take to end after a signal, in milliseconds. */
const PATIENCE = 5_000;
/** Milliseconds. */
const LOOK = 250;

const interrupted = new AbortController();
const running = new Set();
let received;

/** Aborted when the script is interrupted; only cleanup follows. */
export const interruption = interrupted.signal;

/**
 * Catches signals instead of dying at once, so that everything can be undone. A terminal sends Ctrl-C to
 * every process, and npm forwards it too: repeated signals count as one.
 */
export function hearSignals() {
  for (const name of SIGNALS) process.on(name, () => hear(name));
  // npm forwards a signal to the shell that started us, which ends without telling us.
  if (process.env.npm_lifecycle_event !== undefined) hearParentGo();
  // The terminal may be closed, so ignore errors of writing to it.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
}

function hearParentGo() {
  const parent = process.ppid;
  const looking = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(looking);
    hear("SIGTERM");
  }, LOOK);
  looking.unref();
}

/** Sets the exit code that the signal would have caused; called after the cleanup. */
export function endAsInterrupted() {
  if (received !== undefined) process.exitCode = 128 + constants.signals[received];
}

/** Forwards a signal to a program as long as that runs. */
export function passOnTo(child) {
  running.add(child);
  child.on("close", () => running.delete(child));
  child.on("error", () => running.delete(child));
  if (received !== undefined) end(child);
}

function hear(name) {
  if (received !== undefined) return;
  received = name;
  interrupted.abort();
  for (const child of running) end(child);
}

function end(child) {
  child.kill(received);
  const killing = setTimeout(() => child.kill("SIGKILL"), PATIENCE);
  child.on("close", () => clearTimeout(killing));
}
