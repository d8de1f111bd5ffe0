import { backendLocations } from "./backend.ts";
import { SLUG } from "./maps.ts";
import { indented, quoted } from "./quote.ts";
import { HOST_NAME, type NginxSettings } from "./settings.ts";
import { staticLocations } from "./static.ts";
import { wakeLocations } from "./wake.ts";

/**
 * Renders the servers: one that refuses unknown hosts, the three that serve, and one for other *.localhost
 * names.
 */
export function servers(settings: NginxSettings): string {
  return [
    server(
      settings,
      " default_server",
      `server_name "";
default_type text/plain;
return 403 "This host name is not served here. Next: open http://localhost:${settings.httpPort}/\\n";`,
    ),
    serving(settings, hostNames(settings).map(quoted).join(" "), byPath),
    serving(settings, `"~^(?<host_worktree>${SLUG})\\.localhost$"`, byHost),
    serving(
      settings,
      `"~^(?<host_service>${SLUG})\\.(?<host_worktree>${SLUG})\\.localhost$"`,
      byOrigin,
    ),
    // Regular expressions are tried in order, so this gets what those above do not match.
    server(settings, "", `server_name "~\\.localhost$";\nreturn 404;`),
  ].join("\n");
}

function hostNames({ hosts = [] }: NginxSettings): string[] {
  const unfit = hosts.find((host) => !HOST_NAME.test(host));
  if (unfit !== undefined) {
    throw new RangeError(
      `${JSON.stringify(unfit)} is not a valid host name (lower case, without a port)`,
    );
  }
  return ["localhost", "127.0.0.1", "[::1]", ...hosts];
}

function server({ httpPort, ipv6 }: NginxSettings, parameters: string, body: string): string {
  const listen = ["127.0.0.1", ...(ipv6 ? ["[::1]"] : [])].map(
    (address) => `listen ${address}:${httpPort}${parameters};`,
  );
  return `server {\n${indented([...listen, body].join("\n"))}\n}`;
}

function serving(settings: NginxSettings, names: string, decide: string): string {
  return server(
    settings,
    "",
    `server_name ${names};
root $top;
recursive_error_pages on;
# Cache for a second that a file exists, but never that it is missing.
open_file_cache max=1000 inactive=1m;
open_file_cache_valid 1s;

# Refuse cross-site requests with effects before anything is activated.
if ($foreign) {
  return 403 "Blocked: cross-site request. Next: to allow this origin, add its host to http.hosts in .ikigairc.json\\n";
}
${decide}

${staticLocations()}
${backendLocations(settings)}
${wakeLocations()}`,
  );
}

const START = `set $absent "";
set $at_origin "";
set $proof "";
set $kept "";
set $mount "";
set $decoded $uri$is_args$args;`;

const byPath = `${START}
set $worktree .default;
set $below $request_uri;
set $documents root/.default;
if (-d httpd/root/$first) {
  set $worktree $first;
  set $below $path_below;
  set $mount /$first;
  set $documents root;
}
if ($request_uri != $decoded) {
  set $proof "$claimed $uri";
}
if ($astray) {
  return 404;
}
set $consumed $claimed;
if ($route = document) {
  break;
}
if ($route = api) {
  set $backend_uri $api_uri;
  rewrite ^ /.backend last;
}
if (!-e httpd/root/$worktree/$entrance) {
  set $absent 1;
}
if ($action = enter) {
  return 302 $entered$is_args$args;
}
if ($action = missing) {
  rewrite ^ /.missing last;
}
return 404;`;

const byHost = `${START}
set $worktree $host_worktree;
set $below $request_uri;
if (!-d httpd/root/$worktree) {
  return 404;
}
if ($request_uri != $decoded) {
  set $proof "$claimed $uri";
}
if ($astray) {
  return 404;
}
if ($route = api) {
  set $backend_uri $api_uri;
  rewrite ^ /.backend last;
}
set $documents root/$worktree;
set $consumed $claimed;
# A path that is not a service's frontend belongs to the unnamed service's frontend.
if (!-e httpd/root/$worktree/$needed) {
  set $at_origin 1;
  set $documents root/$worktree/frontend;
  set $consumed "";
}
# Without a frontend the backend gets every request.
if (!-e httpd/root/$worktree/$shown) {
  set $backend_uri $request_uri;
  rewrite ^ /.backend last;
}
if ($slash_is_missing) {
  return 302 $document_mount/$is_args$args;
}`;

const byOrigin = `${START}
set $worktree $host_worktree;
set $backend_uri $request_uri;
set $consumed "";
set $documents root/$worktree/$origin_document;
if (!-d httpd/root/$worktree) {
  return 404;
}
if ($request_uri != $decoded) {
  set $proof "$origin_claimed $uri";
}
if ($astray) {
  return 404;
}
if ($origin_route = api) {
  rewrite ^ /.backend last;
}
if (!-e httpd/root/$worktree/$origin_document) {
  rewrite ^ /.backend last;
}`;
