import fs from "node:fs";
import { codeOf, isAbsent } from "../fs/files.ts";

/** The state of a service in `supervise/status` (runsv(8); 20 bytes). */
export interface SuperviseStatus {
  readonly state: "down" | "run" | "finish";
  readonly pid: number;
  /** The state that runsv is told to reach. */
  readonly wants: "up" | "down";
  /** Unix time in seconds of the last change. */
  readonly since: number;
}

/** Reads the status; undefined if no runsv has ever supervised the directory. */
export function readStatus(service: string): SuperviseStatus | undefined {
  let bytes: Buffer;
  try {
    bytes = fs.readFileSync(`${service}/supervise/status`);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
  if (bytes.length < 20) return undefined;
  const state = (["down", "run", "finish"] as const)[bytes.readUInt8(19)] ?? "down";
  return {
    state,
    pid: bytes.readUInt32LE(12),
    wants: bytes.readUInt8(17) === 0x75 ? "up" : "down",
    since: Number(bytes.readBigUInt64BE(0) - TAI_EPOCH),
  };
}

const TAI_EPOCH = 4611686018427387914n;

/** Tells whether a runsv supervises the directory now. */
export function isSupervised(service: string): boolean {
  return openFifo(`${service}/supervise/ok`, (_) => true) ?? false;
}

/**
 * Writes control characters (runsv(8): `u`p, `d`own, `x` exit, …) as sv does. Returns false if no runsv is
 * listening.
 */
export function control(service: string, characters: string): boolean {
  return (
    openFifo(`${service}/supervise/control`, (fd) => fs.writeSync(fd, characters) > 0) ?? false
  );
}

function openFifo<T>(path: string, use: (fd: number) => T): T | undefined {
  let fd: number;
  try {
    fd = fs.openSync(path, fs.constants.O_WRONLY | fs.constants.O_NONBLOCK);
  } catch (error) {
    // ENXIO: the FIFO has no reader.
    if (isAbsent(error) || codeOf(error) === "ENXIO") return undefined;
    throw error;
  }
  try {
    return use(fd);
  } finally {
    fs.closeSync(fd);
  }
}
