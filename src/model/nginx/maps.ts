import { indented } from "./quote.ts";

/** The pattern of a worktree's or service's slug in an address. */
export const SLUG = "[a-z0-9-]{1,40}";

/**
 * Renders the maps that parse a request URI. They use the raw bytes, not nginx's decoded `$uri`; if the
 * two differ, `$astray` refuses a request whose decoded path leaves the location of the raw one.
 *
 * `.default` and `.none` are never slugs, which contain no dot. nginx does not apply regular expressions to
 * an empty value.
 */
export function routingMaps(): string {
  return [
    // Empty if the request line names another host than the Host header.
    map('"$host $http_host"', "$authority", [
      ["default", '""'],
      ['"~*^([^ ]+) \\1\\.?(?::[0-9]+)?$"', "$http_host"],
    ]),
    map("$request_uri", "$first", [
      ["default", ".none"],
      [
        `"~^/(?!(?:api|frontend)(?:[/?]|$))(?<path_worktree>${SLUG})(?<path_below>[/?].*)?$"`,
        "$path_worktree",
      ],
    ]),
    map("$below", "$route", [
      ["default", "other"],
      ['""', "bare"],
      [
        `"~^(?<document_mount>/(?<document>frontend|(?!api/)${SLUG}(?!/api(?:[/?]|$))))/"`,
        "document",
      ],
      [`"~^(?<service_mount>/(?!(?:api|frontend)/)${SLUG})?(?<api_uri>/api(?:[/?].*)?)$"`, "api"],
      [`"~^(?<document_mount>/(?<document>${SLUG}))(?:\\?|$)"`, "slashless"],
      ['"~^/?(?:\\?|$)"', "bare"],
    ]),
    map("$route", "$claimed", [
      ["api", '"$mount$service_mount/api"'],
      ["document", '"$mount$document_mount"'],
      ["slashless", '"$mount$document_mount"'],
      ["default", '""'],
    ]),
    map("$proof", "$astray", [
      ["default", "1"],
      ['""', '""'],
      ['"~^([^ ]*) \\1(?:/|$)"', '""'],
    ]),
    map('"$at_origin:$host_service$service_mount$document_mount"', "$service", [
      ["default", "backend"],
      [":frontend", "backend"],
      [":/frontend", "backend"],
      ['"~^:/?(?<service_name>[a-z0-9-]+)$"', "$service_name"],
    ]),
    ...pathMaps(),
    ...hostMaps(),
  ].join("\n");
}

/** Maps for addresses with the worktree in the path that name neither a file nor a backend. */
function pathMaps(): string[] {
  return [
    map("$route", "$entrance", [
      ["slashless", "$document"],
      ["default", "frontend"],
    ]),
    map("$route", "$entered", [
      ["slashless", '"$mount$document_mount/"'],
      ["default", '"$mount/frontend/"'],
    ]),
    map('"$route:$mount:$absent"', "$action", [
      ["default", "nothing"],
      ['"~^(?:bare|slashless):.*:1$"', "missing"],
      ['"~^(?:bare|slashless):.*:$"', "enter"],
    ]),
  ];
}

/** Maps for addresses with the worktree in the host name. */
function hostMaps(): string[] {
  return [
    map("$route", "$needed", [
      ["document", "$document"],
      ["slashless", "$document"],
      ["default", ".none"],
    ]),
    map("$at_origin", "$shown", [
      ["1", "frontend"],
      ["default", "$needed"],
    ]),
    map('"$route$at_origin"', "$slash_is_missing", [
      ["slashless", "1"],
      ["default", '""'],
    ]),
    map("$request_uri", "$origin_route", [
      ["default", "origin"],
      ['"~^/api(?:[/?]|$)"', "api"],
    ]),
    map("$origin_route", "$origin_claimed", [
      ["api", "/api"],
      ["default", '""'],
    ]),
    map("$host_service", "$origin_document", [
      ["backend", "frontend"],
      ["default", "$host_service"],
    ]),
  ];
}

export function map(
  source: string,
  variable: string,
  rows: readonly (readonly [string, string])[],
): string {
  return `map ${source} ${variable} {\n${indented(rows.map((row) => `${row.join(" ")};`).join("\n"))}\n}`;
}
