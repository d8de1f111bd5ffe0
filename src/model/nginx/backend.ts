import { indented } from "./quote.ts";
import type { NginxSettings } from "./settings.ts";

/** Relative to the workers' `working_directory`, so that the address does not contain the project's path. */
const SOCKET = "run/sockets/$worktree/$service.sock";

/**
 * Request headers about the origin or target of a request, or that a proxy in front would set. They are
 * removed, so that backends cannot trust values sent by clients.
 */
const SPOOFABLE = [
  "CF-Connecting-IP",
  "Client-IP",
  "Fastly-Client-IP",
  "Forwarded",
  "Proxy",
  "Remote-User",
  "True-Client-IP",
  "X-Accel-Buffering",
  "X-Accel-Charset",
  "X-Accel-Expires",
  "X-Accel-Limit-Rate",
  "X-Accel-Mapping",
  "X-Accel-Redirect",
  "X-Auth-Request-Access-Token",
  "X-Auth-Request-Email",
  "X-Auth-Request-Groups",
  "X-Auth-Request-Preferred-Username",
  "X-Auth-Request-User",
  "X-Base-Path",
  "X-Client-IP",
  "X-Cluster-Client-IP",
  "X-Envoy-External-Address",
  "X-Envoy-Original-Path",
  "X-Forwarded",
  "X-Forwarded-Access-Token",
  "X-Forwarded-By",
  "X-Forwarded-Client-Cert",
  "X-Forwarded-Context",
  "X-Forwarded-Email",
  "X-Forwarded-Groups",
  "X-Forwarded-Https",
  "X-Forwarded-Method",
  "X-Forwarded-Path",
  "X-Forwarded-Port",
  "X-Forwarded-Preferred-Username",
  "X-Forwarded-Proto-Version",
  "X-Forwarded-Protocol",
  "X-Forwarded-Scheme",
  "X-Forwarded-Server",
  "X-Forwarded-Ssl",
  "X-Forwarded-Tls-Client-Cert",
  "X-Forwarded-Uri",
  "X-Forwarded-Url",
  "X-Forwarded-User",
  "X-Host",
  "X-HTTP-Host-Override",
  "X-HTTP-Method",
  "X-Ikigai-Accept",
  "X-Ikigai-Failure",
  "X-Ikigai-Service",
  "X-Ikigai-Uri",
  "X-Ikigai-Worktree",
  "X-Original-Host",
  "X-Original-URI",
  "X-Original-URL",
  "X-Originating-IP",
  "X-Real-IP",
  "X-Remote-Addr",
  "X-Remote-IP",
  "X-Remote-User",
  "X-Rewrite-URL",
  "X-Scheme",
  "X-Script-Name",
  "X-Sendfile-Type",
  "X-Url-Scheme",
];

const SET: readonly (readonly [string, string])[] = [
  ["Host", "$authority"],
  ["Connection", "$connection_to_backend"],
  ["Upgrade", "$upgrade_to_backend"],
  ["X-Forwarded-For", "$remote_addr"],
  ["X-Forwarded-Host", "$authority"],
  ["X-Forwarded-Prefix", "$mount$service_mount"],
  ["X-Forwarded-Proto", "$scheme"],
];

/** Passes on Upgrade for WebSockets only; after an upgrade to h2c, requests would bypass nginx. */
export const UPGRADE_MAPS = `map $kept$http_upgrade $connection_to_backend {
  default close;
  yes "";
  "~*^websocket$" upgrade;
}
map $http_upgrade $upgrade_to_backend {
  default "";
  "~*^websocket$" $http_upgrade;
}`;

/** Maps a service to the TCP port of its backend, used if there is no socket. */
export function portMaps(portsFile: string): string {
  return `map "$worktree/$service" $port {
  default "";
  include ${portsFile};
}
map $port $socket_or_not {
  "" .;
  default "${SOCKET}";
}
map $woken_port $woken_socket_or_not {
  "" .;
  default "${SOCKET}";
}`;
}

/** Proxy settings of all backends, for the first try and for the one after activation. */
export function backendDefaults(): string {
  return `proxy_http_version 1.1;
proxy_buffering off;
proxy_buffer_size 32k;
proxy_buffers 8 32k;
proxy_busy_buffers_size 64k;
proxy_redirect off;
proxy_next_upstream off;
proxy_connect_timeout 5s;
proxy_read_timeout 1h;
proxy_send_timeout 1h;
proxy_pass_header Date;
proxy_pass_header Server;
${SET.map(([name, value]) => `proxy_set_header ${name} ${value};`).join("\n")}
${SPOOFABLE.map((name) => `proxy_set_header ${name} "";`).join("\n")}`;
}

/**
 * Logs at most one request per second and service, and every request that takes longer: enough to tell
 * from a file's mtime when a service was last used.
 */
export const TRAFFIC = `log_format traffic $status;
open_log_file_cache max=512 inactive=1m valid=10s;
limit_req_zone "$worktree/$service" zone=traffic:1m rate=1r/s;
map "$limit_req_status:$request_time" $counts {
  default 1;
  "~^REJECTED_DRY_RUN:0\\." 0;
}`;

/** Locations that pass a request to the worktree's backend, before and after its activation. */
export function backendLocations(settings: NginxSettings): string {
  const traffic = `access_log "${trafficPrefix(settings)}$worktree.$service" traffic if=$counts;
limit_req zone=traffic;
limit_req_dry_run on;
limit_req_log_level info;
proxy_ignore_headers X-Accel-Redirect X-Accel-Expires X-Accel-Limit-Rate X-Accel-Buffering X-Accel-Charset;`;
  const pass = (socketOrNot: string, port: string) => `${traffic}
open_file_cache off;
set $upstream "http://unix:${SOCKET}:";
# "-e" does not find sockets; "-x" does, because bind(2) gives the owner all permissions.
if (!-x ${socketOrNot}) {
  set $upstream "http://127.0.0.1:${port}";
}
proxy_pass $upstream$backend_uri;`;
  return [
    location(
      "= /.backend",
      // open_file_cache may cache that a slot is claimed, because claims are permanent.
      `internal;
if ($authority = "") {
  return 400;
}
if (-d run/slots/$slot/$keepable) {
  rewrite ^ /.kept last;
}
rewrite ^ /.direct last;`,
    ),
    location(
      "= /.direct",
      `internal;
${pass("$socket_or_not", "$port")}
error_page 502 = $on_broken;
error_page 504 = $on_late;`,
    ),
    location(
      "= /.kept",
      `internal;
${traffic}
set $kept yes;
proxy_next_upstream error;
proxy_pass http://$slot.kept$backend_uri;
error_page 502 = @wake;
error_page 504 = @late;`,
    ),
    location(
      "@awake",
      // A worker that has not reloaded ports.map yet gets the port from the gate.
      `set $woken_port $upstream_http_x_ikigai_port;
if ($woken_port = "") {
  set $woken_port $port;
}
${pass("$woken_socket_or_not", "$woken_port")}
error_page 502 = $on_broken_again;
error_page 504 = $on_late_again;`,
    ),
  ].join("\n");
}

function location(head: string, body: string): string {
  return `location ${head} {\n${indented(body)}\n}`;
}

/**
 * nginx makes a log's path absolute before it expands variables. If the project's path contains a "$", use a
 * path through the workers' directory instead.
 */
function trafficPrefix({ layout }: NginxSettings): string {
  return layout.httpd.includes("$") ? "/proc/self/cwd/run/traffic/" : "../run/traffic/";
}
