/** Writes one line to the daemon's log. */
export type Journal = (line: string) => void;
