import { backendDefaults, portMaps, TRAFFIC, UPGRADE_MAPS } from "./backend.ts";
import { slotMaps } from "./keepalive-slots.ts";
import { routingMaps } from "./maps.ts";
import { indented, quoted } from "./quote.ts";
import { originMaps } from "./request-origin.ts";
import { servers } from "./servers.ts";
import type { NginxSettings } from "./settings.ts";
import { staticMaps, typesBlock } from "./static.ts";
import { failureMaps } from "./wake.ts";

export type { NginxSettings } from "./settings.ts";

/** The first line of the file, by which it is recognised as ikigai's. */
const NGINX_MARK = "# Written by ikigai; made again at every start.";

/**
 * Renders the nginx.conf of a project, which does not depend on its worktrees. Start nginx with
 * `-p <.ikigai>/httpd/ -c nginx.conf`: paths in it are relative to that. `httpd/pid`, `logs`, `run/nginx`,
 * `run/sockets`, `run/traffic` and `run/ports.map` must exist before.
 *
 * @throws RangeError for an invalid host or user name
 */
export function nginxConf(settings: NginxSettings): string {
  return `${NGINX_MARK}
${main(settings)}
http {
${indented(http(settings))}
}
`;
}

function main({ layout, user, workers = 2 }: NginxSettings): string {
  if (user !== undefined && !/^[A-Za-z_][\w.-]*$/.test(user)) {
    throw new RangeError(`${JSON.stringify(user)} is not a valid user name`);
  }
  return `${user === undefined ? "" : `user ${user};\n`}worker_processes ${workers};
worker_rlimit_nofile 8192;
# nginx is reloaded only when TCP ports change; then end old workers despite open event streams.
worker_shutdown_timeout 5m;
# Socket addresses are relative to this, so the project's path cannot be too long for one.
working_directory ${quoted(layout.ikigai)};
pid pid/nginx.pid;
lock_file ../run/nginx/lock;
error_log ../logs/nginx.log error;
pcre_jit on;
events {
  worker_connections 2048;
}`;
}

function http(settings: NginxSettings): string {
  return `${typesBlock()}
charset_types text/css text/csv text/javascript text/markdown text/plain text/vtt text/xml;
server_tokens off;
absolute_redirect off;
log_not_found off;
sendfile on;
tcp_nopush on;
keepalive_requests 100000;
client_max_body_size 0;
client_body_buffer_size 128k;
large_client_header_buffers 8 32k;
map_hash_bucket_size 256;
map_hash_max_size 8192;
server_names_hash_bucket_size 256;
variables_hash_max_size 2048;
client_body_temp_path ../run/nginx/body;
proxy_temp_path ../run/nginx/proxy;
fastcgi_temp_path ../run/nginx/fastcgi;
uwsgi_temp_path ../run/nginx/uwsgi;
scgi_temp_path ../run/nginx/scgi;
access_log off;
${TRAFFIC}

# A path that starts with a variable is resolved at run time, so that a "$" in the
# project's own path is not taken for a variable.
map "" $top {
  default root;
}
${routingMaps()}
${portMaps(portsFile(settings))}
${UPGRADE_MAPS}
${originMaps(settings.hosts ?? [])}
${slotMaps()}
${failureMaps()}
${staticMaps()}

${backendDefaults()}

${servers(settings)}`;
}

/** Escapes wildcards, which `include` would expand in an absolute path. */
function portsFile({ layout }: NginxSettings): string {
  if (!/[*?[]/.test(layout.httpd)) return "../run/ports.map";
  return quoted(`${layout.run}/ports.map`.replace(/[*?[\]\\]/g, "\\$&"));
}
