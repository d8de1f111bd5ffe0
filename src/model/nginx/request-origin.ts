import { map, SLUG } from "./maps.ts";

/**
 * Renders the maps for cross-site requests. `$foreign` is 1 for requests of another site's page that may
 * have effects: a method with effects, or a WebSocket, which browsers allow across origins (RFC 6455,
 * 10.2). Clients other than browsers send no Origin; `null` is a page that hides its origin. `$unasked` is
 * 1 for all other requests of such a page except navigation (Fetch Metadata); these activate no service.
 *
 * @param hosts host names served besides localhost, whose pages count as the same site
 */
export function originMaps(hosts: readonly string[]): string {
  const own = hosts.map((host) => `|${host.replaceAll(".", "\\.")}`).join("");
  return [
    map("$http_origin", "$foreign_origin", [
      ["default", "1"],
      ['""', '""'],
      [
        `"~*^https?://(?:(?:${SLUG}\\.){0,2}localhost|127\\.0\\.0\\.1|\\[::1\\]${own})(?::[0-9]+)?$"`,
        '""',
      ],
    ]),
    // A subresource of a page is requested without the user's intent; a click or the address bar shows
    // intent.
    map(
      '"$http_sec_fetch_site:$http_sec_fetch_mode:$http_sec_fetch_dest:$foreign_origin:$http_origin"',
      "$unasked",
      [
        ["default", '""'],
        ['"~*^cross-site:navigate:(?:document)?:"', '""'],
        ['"~*^cross-site:[^:]*:[^:]*::."', '""'],
        ['"~*^cross-site:"', "1"],
      ],
    ),
    map('"$foreign_origin:$request_method:$http_upgrade"', "$foreign", [
      ["default", '""'],
      ['"~^1:(?!(?:GET|HEAD|OPTIONS):)"', "1"],
      ['"~*^1:[^:]*:.*websocket"', "1"],
    ]),
  ].join("\n");
}
