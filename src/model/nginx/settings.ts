import type { Layout } from "../layout.ts";

/** As nginx takes one for `server_name`: in lower case, and nothing that means more than itself. */
export const HOST_NAME = /^(?!-)(?=.{1,200}$)[a-z0-9-]+(?:\.[a-z0-9-]+)*$/;

/** What nginx.conf depends on; nothing of it changes when worktrees come and go. */
export interface NginxSettings {
  readonly layout: Layout;
  readonly httpPort: number;
  /** Whom workers run as; only for a master that is root. Sockets are the owner's alone. */
  readonly user?: string;
  /** Listen on [::1] as well. */
  readonly ipv6: boolean;
  /** Worker processes; 2 if not said. */
  readonly workers?: number;
  /** Further host names that are served as `localhost` is (a production domain). */
  readonly hosts?: readonly string[];
}
