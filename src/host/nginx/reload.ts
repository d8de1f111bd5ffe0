import { execa } from "execa";
import type { Layout } from "../../model/layout.ts";

let pending: NodeJS.Timeout | undefined;

/**
 * Makes nginx read `ports.map` again; several changes in a row cause one reload. Does nothing if nginx does
 * not run.
 */
export function reloadNginx(layout: Layout): void {
  clearTimeout(pending);
  pending = setTimeout(() => {
    void execa(`${layout.bin}/nginx`, ["-s", "reload"], { reject: false, stdin: "ignore" });
  }, 20);
}
