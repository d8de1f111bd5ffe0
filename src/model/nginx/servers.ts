import { backendLocation } from "./backend.ts";
import { SLUG } from "./maps.ts";
import { indented, quoted } from "./quote.ts";
import type { NginxSettings } from "./settings.ts";
import { staticLocations } from "./static.ts";
import { wakeLocations } from "./wake.ts";

const HOST_NAME = /^(?!-)[a-z0-9-]+(?:\.[a-z0-9-]+)*$/;

/** The servers: who is refused, who is unknown, and the one that serves. */
export function servers(settings: NginxSettings): string {
  return [
    server(
      settings,
      " default_server",
      `server_name "";
default_type text/plain;
return 421 "This host name is not served here. Next: open http://localhost:${settings.httpPort}/\\n";`,
    ),
    server(settings, "", serving(settings)),
    // Expressions are tried in order: whatever the one above did not take.
    server(settings, "", `server_name "~\\.localhost$";\nreturn 404;`),
  ].join("\n");
}

function server({ httpPort, ipv6 }: NginxSettings, parameters: string, body: string): string {
  const listen = ["127.0.0.1", ...(ipv6 ? ["[::1]"] : [])].map(
    (address) => `listen ${address}:${httpPort}${parameters};`,
  );
  return `server {\n${indented([...listen, body].join("\n"))}\n}`;
}

/** A log's full path is made before variables are looked for in it; the workers' directory is not. */
function trafficPrefix({ layout }: NginxSettings): string {
  return layout.httpd.includes("$") ? "/proc/self/cwd/run/traffic/" : "../run/traffic/";
}

function serving(settings: NginxSettings): string {
  const { hosts = [] } = settings;
  const traffic = trafficPrefix(settings);
  const unfit = hosts.find((host) => !HOST_NAME.test(host));
  if (unfit !== undefined) {
    throw new RangeError(`${JSON.stringify(unfit)} is no host name (lower case, without a port)`);
  }
  return `server_name ${["localhost", "127.0.0.1", "[::1]", ...hosts].map(quoted).join(" ")}
  "~^(?<host_worktree>${SLUG})\\.localhost$"
  "~^(?<host_service>${SLUG})\\.(?<host_worktree>${SLUG})\\.localhost$";
root $top;
recursive_error_pages on;

set $worktree .default;
set $below $request_uri;
set $mount "";
set $absent "";
if (-d httpd/root/$candidate) {
  set $worktree $candidate;
  set $below $candidate_below;
  set $mount $candidate_mount;
}
if ($stranger) {
  return 404;
}
if ($authority = "") {
  return 400;
}
if ($astray) {
  return 404;
}
if ($route = api) {
  rewrite ^ /.backend last;
}
if (!-e httpd/root/$needed) {
  set $absent 1;
}
if ($action = backend) {
  rewrite ^ /.backend last;
}
if ($action = enter) {
  return 302 $entered$is_args$args;
}
if ($action = missing) {
  rewrite ^ /.missing last;
}
if ($action = nothing) {
  return 404;
}

${staticLocations()}
${backendLocation("= /.backend", { broken: "$on_broken", late: "$on_late", traffic, first: "internal;\n" })}
${backendLocation("@awake", { broken: "$on_broken_again", late: "$on_late_again", traffic })}
${wakeLocations()}`;
}
