import { indented } from "./quote.ts";

/** What names a worktree or a service in an address. */
export const SLUG = "[a-z0-9-]{1,40}";

/**
 * What the bytes of a request URI say. Decisions are made on these, never on
 * nginx' decoded `$uri`; where the two differ, `$astray` refuses a request
 * whose decoded path leaves what the raw one named.
 *
 * `.default` and `.none` can be no slug, as slugs hold no dot. An expression is
 * never tried on an empty value.
 */
export function routingMaps(): string {
  return [
    // Empty where the request line names another host than the Host header does.
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

/** Of addresses that name the worktree in their path, where no file or backend is meant. */
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

/** Of addresses that name the worktree in their host. */
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
