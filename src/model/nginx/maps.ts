import { indented } from "./quote.ts";

/** What names a worktree or a service in an address. */
export const SLUG = "[a-z0-9-]{1,40}";

/**
 * From the raw request URI and the host to a worktree, a service and what to do.
 * Decisions are made on the bytes that the client sent, never on nginx' decoded
 * `$uri`; `$astray` then refuses a request whose decoded path says otherwise.
 *
 * `.default` and `.none` can be no slug, as slugs hold no dot.
 */
export function routingMaps(): string {
  return [
    // Empty where the request line names another host than the Host header does.
    map('"$host $http_host"', "$authority", [
      ["default", '""'],
      ['"~*^([^ ]+) \\1\\.?(?::[0-9]+)?$"', "$http_host"],
    ]),

    map('"$host_worktree $request_uri"', "$candidate", [
      ["default", ".none"],
      ['"~^[^ ]"', "$host_worktree"],
      [
        `"~^ /(?!(?:api|frontend)(?:[/?]|$))(?<path_worktree>${SLUG})(?<path_below>[/?].*)?$"`,
        "$path_worktree",
      ],
    ]),
    map("$host_worktree", "$candidate_below", [
      ['""', "$path_below"],
      ["default", "$request_uri"],
    ]),
    map("$host_worktree", "$candidate_mount", [
      ['""', "/$path_worktree"],
      ["default", '""'],
    ]),
    map('"$host_worktree:$worktree"', "$stranger", [
      ["default", '""'],
      ['"~.:\\.default$"', "1"],
    ]),

    map('"$host_service$below"', "$route", [
      ["default", "other"],
      // Expressions are not tried on nothing at all.
      ['""', "bare"],
      ['"~^/?(?:\\?|$)"', "bare"],
      [
        `"~^(?<service_mount>/(?!(?:api|frontend)/)(?<named>${SLUG}))?(?<api_uri>/api(?:[/?].*)?)$"`,
        "api",
      ],
      [`"~^${SLUG}(?<api_uri>/api(?:[/?].*)?)$"`, "api"],
      ['"~^[^/?]"', "origin"],
      [`"~^(?<document_mount>/(?<document>${SLUG}))/"`, "document"],
      [`"~^(?<document_mount>/(?<document>${SLUG}))(?:\\?|$)"`, "slashless"],
    ]),
    map('"$host_service$service_mount$document_mount"', "$service", [
      ['""', "backend"],
      ["frontend", "backend"],
      ["/frontend", "backend"],
      ['"~^/?(?<service_name>.+)$"', "$service_name"],
    ]),
    map("$host_service", "$origin_document", [
      ['""', "frontend"],
      ["backend", "frontend"],
      ["default", "$host_service"],
    ]),
    map("$route", "$backend_uri", [
      ["api", "$api_uri"],
      ["default", "$request_uri"],
    ]),

    // What must be there for the files of this request to be; "." always is.
    map("$route", "$needed", [
      ["document", '"$worktree/$document"'],
      ["slashless", '"$worktree/$document"'],
      ["bare", '"$worktree/frontend"'],
      ["origin", '"$worktree/$origin_document"'],
      ["default", "."],
    ]),
    map('"$host_worktree:$route:$mount:$absent"', "$action", [
      ["default", "nothing"],
      ['"~^[^:]*:api:"', "backend"],
      ['"~:origin:.*:1$"', "backend"],
      ['"~:origin:"', "files"],
      ['"~^:bare:/"', "enter"],
      ['"~^:bare::$"', "enter"],
      ['"~:document:.*:$"', "files"],
      ['"~:slashless:.*:$"', "enter"],
      ['"~^:(?:document|slashless):.*:1$"', "missing"],
      ['"~^[^:]"', "files"],
    ]),
    map('"$host_worktree:$route:$absent"', "$entered", [
      ["default", '"$mount/frontend/"'],
      ['"~:slashless:$"', '"$mount$document_mount/"'],
    ]),
    map('"$host_worktree:$route:$absent"', "$at_origin", [
      ["default", "1"],
      ['"~^:"', '""'],
      ['"~:(?:document|slashless):$"', '""'],
    ]),
    map('"$at_origin:$mount"', "$documents", [
      ['":"', '"root/$worktree"'],
      ['"~^:/"', "root"],
      ["default", '"root/$worktree/$origin_document"'],
    ]),
    map("$at_origin", "$consumed", [
      ['""', '"$claimed"'],
      ["default", '""'],
    ]),
    map("$host_service", "$api_mount", [
      ['""', '"$service_mount/api"'],
      ["default", "/api"],
    ]),
    map("$route", "$claimed", [
      ["api", '"$mount$api_mount"'],
      ["document", '"$mount$document_mount"'],
      ["slashless", '"$mount$document_mount"'],
      ["default", '""'],
    ]),
    map('"$claimed $uri"', "$astray", [
      ["default", "1"],
      ['"~^([^ ]*) \\1(?:/|$)"', '""'],
    ]),
  ].join("\n");
}

export function map(
  source: string,
  variable: string,
  rows: readonly (readonly [string, string])[],
): string {
  return `map ${source} ${variable} {\n${indented(rows.map((row) => `${row.join(" ")};`).join("\n"))}\n}`;
}
