/** Takes one line of the daemon's log. */
export type Journal = (line: string) => void;
