import { map, SLUG } from "./maps.ts";

/**
 * `$foreign` is 1 for what a page of another site has a browser send and that may change something:
 * a method with effects, or a WebSocket, which no browser keeps from crossing origins (RFC 6455,
 * 10.2). What is no browser sends no Origin; `null` is a page that does not want to be known.
 * `$unasked` is 1 for any other request of such a page that is no visit (Fetch Metadata): it wakes nobody.
 *
 * @param hosts names that are served beside localhost, and whose pages are taken for our own
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
    // An address in a page is asked for without anybody's wish; a click, or the browser's own bar, is one.
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
