import { indented } from "./quote.ts";
import type { NginxSettings } from "./settings.ts";

/** Where workers stand (`working_directory`), so that no address holds the project's path. */
const SOCKET = "run/sockets/$worktree/$service.sock";

/**
 * Headers of a client that say where a request came from or went to, or that a
 * proxy in front would have set: a backend must not be able to believe them.
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

/** Only WebSockets may turn a connection into another protocol; h2c would hide requests from us. */
export const UPGRADE_MAPS = `map $kept$http_upgrade $connection_to_backend {
  default close;
  yes "";
  "~*^websocket$" upgrade;
}
map $http_upgrade $upgrade_to_backend {
  default "";
  "~*^websocket$" $http_upgrade;
}`;

/** Ports of backends that only speak TCP; nginx asks for them where there is no socket. */
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

/** How every backend is spoken to; the same for the first try and the one after waking. */
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
 * One line a second at most for each service, and one for every request that
 * took longer: enough to see by a file's time when a service was used last.
 */
export const TRAFFIC = `log_format traffic $status;
open_log_file_cache max=512 inactive=1m valid=10s;
limit_req_zone "$worktree/$service" zone=traffic:1m rate=1r/s;
map "$limit_req_status:$request_time" $counts {
  default 1;
  "~^REJECTED_DRY_RUN:0\\." 0;
}`;

/** Where a request is handed to the worktree's backend, before waking it and after. */
export function backendLocations(settings: NginxSettings): string {
  const traffic = `access_log "${trafficPrefix(settings)}$worktree.$service" traffic if=$counts;
limit_req zone=traffic;
limit_req_dry_run on;
limit_req_log_level info;
proxy_ignore_headers X-Accel-Redirect X-Accel-Expires X-Accel-Limit-Rate X-Accel-Buffering X-Accel-Charset;`;
  const pass = (socketOrNot: string, port: string) => `${traffic}
open_file_cache off;
set $upstream "http://unix:${SOCKET}:";
# "-e" is blind to sockets; "-x" is not, as bind gives its owner every right.
if (!-x ${socketOrNot}) {
  set $upstream "http://127.0.0.1:${port}";
}
proxy_pass $upstream$backend_uri;`;
  return [
    location(
      "= /.backend",
      // A place is claimed for good, so that it may be known to be.
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
      // A worker that has not read ports.map again learns the port from the gate.
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

/** A log's full path is made before variables are looked for in it; the workers' directory is not. */
function trafficPrefix({ layout }: NginxSettings): string {
  return layout.httpd.includes("$") ? "/proc/self/cwd/run/traffic/" : "../run/traffic/";
}
