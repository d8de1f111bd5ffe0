import type { Layout } from "../layout.ts";

/** A literal name for nginx's `server_name`: lower case, without special characters. */
export const HOST_NAME = /^(?!-)(?=.{1,200}$)[a-z0-9-]+(?:\.[a-z0-9-]+)*$/;

/** What nginx.conf depends on; independent of the worktrees. */
export interface NginxSettings {
  readonly layout: Layout;
  readonly httpPort: number;
  /** The account of the workers, only if the master is root: sockets are accessible to their owner only. */
  readonly user?: string;
  /** Listen on [::1] as well. */
  readonly ipv6: boolean;
  /** The number of worker processes; default 2. */
  readonly workers?: number;
  /** Further host names to serve like `localhost`, such as a production domain. */
  readonly hosts?: readonly string[];
}
