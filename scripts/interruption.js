import { constants } from "node:os";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"];
/** How long a program that was told to end may take, in milliseconds. */
const PATIENCE = 5_000;
/** Milliseconds. */
const LOOK = 250;

const interrupted = new AbortController();
const running = new Set();
let received;

/** Aborted when somebody has interrupted this script: what follows is only tidying up. */
export const interruption = interrupted.signal;

/**
 * Hears signals instead of ending by them at once, so that everything that was begun can be taken
 * back. A terminal sends its Ctrl-C to every process, and npm sends it on once more: any number of
 * signals is one.
 */
export function hearSignals() {
  for (const name of SIGNALS) process.on(name, () => hear(name));
  // npm passes a signal on to the shell that it has started us with, which ends and tells nobody.
  if (process.env.npm_lifecycle_event !== undefined) hearParentGo();
  // The terminal may have gone, and what is said then is heard by nobody.
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

/** Once everything is tidy the script ends as the signal would have ended it. */
export function endAsInterrupted() {
  if (received !== undefined) process.exitCode = 128 + constants.signals[received];
}

/** Passes a signal on to a program for as long as that runs. */
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
