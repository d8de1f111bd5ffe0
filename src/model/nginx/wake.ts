import { map } from "./maps.ts";
import { indented } from "./quote.ts";

/**
 * Maps what to do when a backend did not answer. A request that was not sent goes to the gate and is tried
 * again. A request that was sent may have had effects: it is repeated only for a method without effects,
 * and only if no byte of an answer arrived. In all other cases the failure is explained.
 */
export function failureMaps(): string {
  return [
    map('"$request_method,$upstream_bytes_sent,$upstream_bytes_received"', "$on_broken", [
      ["default", "@interrupted"],
      ['"~^[^,]*,[0-]?,"', "@wake"],
      ['"~^(?:GET|HEAD|OPTIONS),[^,]*,[0-]?$"', "@wake"],
    ]),
    map("$upstream_bytes_sent", "$on_late", [
      ["default", "@late"],
      ['"~^[0-]?$"', "@wake"],
    ]),
    // After activation the variables contain one value per try, the last try last.
    map("$upstream_bytes_sent", "$on_broken_again", [
      ["default", "@interrupted"],
      ['"~(?:^|[ ,:])[0-]?$"', "@unreachable"],
    ]),
    map("$upstream_bytes_sent", "$on_late_again", [
      ["default", "@late"],
      ['"~(?:^|[ ,:])[0-]?$"', "@unreachable"],
    ]),
    map("$http_accept", "$without_gate", [
      ["default", "@without_gate_json"],
      ['"~*text/html"', "@without_gate_html"],
    ]),
  ].join("\n");
}

/** Renders a location that asks the gate; passes on only the headers that the gate needs. */
function gateLocation(head: string, path: string, failure: string, extra = ""): string {
  return `location ${head} {
${indented(`${extra}access_log off;
error_page 502 504 = $without_gate;
proxy_http_version 1.1;
proxy_method GET;
proxy_pass_request_body off;
proxy_pass_request_headers off;
proxy_next_upstream off;
proxy_connect_timeout 5s;
proxy_read_timeout 10m;
proxy_buffer_size 32k;
proxy_buffers 8 32k;
proxy_set_header Host gate;
proxy_set_header Connection close;
proxy_set_header Content-Length "";
proxy_set_header X-Ikigai-Worktree $worktree;
proxy_set_header X-Ikigai-Service $service;
proxy_set_header X-Ikigai-Accept $http_accept;
proxy_set_header X-Ikigai-Uri $request_uri;
proxy_set_header X-Ikigai-Failure ${failure};
set $gate http://unix:run/gate.sock:${path};
proxy_pass $gate;`)}
}`;
}

const HTML =
  "<!doctype html><meta charset=utf-8><meta http-equiv=refresh content=2><title>503: ikigai is not running</title>" +
  "<h1>ikigai is not running</h1><p>This service is not running, and neither is ikigai, which would start it." +
  "<p>Next: <code>ikigai start</code>\\n";
const JSON_TEXT = JSON.stringify({
  error: "This service is not running, and neither is ikigai, which would start it.",
  next: "ikigai start",
});

function withoutGate(name: string, type: string, body: string): string {
  return `location ${name} {
${indented(`access_log off;
default_type ${type};
add_header Retry-After 2 always;
add_header Cache-Control no-store always;
return 503 '${body}';`)}
}`;
}

/** Refuses to start a service, and so run its code, for a subresource of another site's page. */
const UNASKED = `default_type text/plain;
if ($unasked) {
  return 403 "This service is not running, and cross-site requests do not start it. Next: open its address\\n";
}
`;

/** Renders the locations for a backend that did not answer, and for a missing frontend. */
export function wakeLocations(): string {
  return [
    gateLocation("@wake", "/wake", "unreachable", UNASKED),
    gateLocation("@unreachable", "/down", "unreachable"),
    gateLocation("@interrupted", "/down", "interrupted"),
    gateLocation("@late", "/down", "late"),
    gateLocation("@missing", "/down", "no-frontend"),
    gateLocation("= /.missing", "/down", "no-frontend", "internal;\n"),
    withoutGate("@without_gate_html", "text/html", HTML),
    withoutGate("@without_gate_json", "application/json", `${JSON_TEXT}\\n`),
  ].join("\n");
}
