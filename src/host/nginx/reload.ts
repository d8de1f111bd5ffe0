import { execa } from "execa";
import type { Layout } from "../../model/layout.ts";

let pending: NodeJS.Timeout | undefined;

/** Has nginx read `ports.map` again, once for many changes in a row. Nothing when it does not run. */
export function reloadNginx(layout: Layout): void {
  clearTimeout(pending);
  pending = setTimeout(() => {
    void execa(`${layout.bin}/nginx`, ["-s", "reload"], { reject: false, stdin: "ignore" });
  }, 20);
}
