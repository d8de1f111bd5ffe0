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

/** The first line of the file, and the proof that it is ours. */
const NGINX_MARK = "# Written by ikigai; made again at every start.";

/**
 * nginx.conf of a project, constant whatever worktrees there are. nginx must be
 * started with `-p <.ikigai>/httpd/ -c nginx.conf`: paths in it are relative to that.
 * `httpd/pid`, `logs`, `run/nginx`, `run/sockets`, `run/traffic` and
 * `run/ports.map` must be there before.
 *
 * @throws RangeError for a host or a user that could be anything but a name
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
    throw new RangeError(`${JSON.stringify(user)} is no name of a user`);
  }
  return `${user === undefined ? "" : `user ${user};\n`}worker_processes ${workers};
worker_rlimit_nofile 8192;
# A reload follows a change of TCP ports only; old workers go although event streams are open.
worker_shutdown_timeout 5m;
# Addresses of sockets are relative to this, so no path of a project is too long for one.
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

# A path that begins with a variable is resolved when it is used, so that a "$" in the
# project's own path is never read as one.
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

/** `include` takes a full path with a wildcard for a pattern, where a "\\" takes its meaning away. */
function portsFile({ layout }: NginxSettings): string {
  if (!/[*?[]/.test(layout.httpd)) return "../run/ports.map";
  return quoted(`${layout.run}/ports.map`.replace(/[*?[\]\\]/g, "\\$&"));
}
