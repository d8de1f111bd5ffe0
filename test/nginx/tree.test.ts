import { expect, test } from "vitest";
import { layoutOf } from "../../src/model/layout.ts";
import { nginxConf } from "../../src/model/nginx/conf.ts";
import { countsOf, type Directive, parseConf, SERVERS, serversOf } from "./support/parse.ts";

const conf = (root: string) => nginxConf({ layout: layoutOf(root), httpPort: 8888, ipv6: true });

test("the configuration has exactly these servers and locations", () => {
  const parsed = parseConf(conf("/p"));
  expect(serversOf(parsed)).toEqual(SERVERS);
  expect(parsed.map(({ name }) => name).sort()).toEqual(
    [
      ...["error_log", "events", "http", "lock_file", "pcre_jit", "pid", "worker_processes"],
      ...["worker_rlimit_nofile", "worker_shutdown_timeout", "working_directory"],
    ].sort(),
  );
});

/** Project directories whose names end a word, a directive, a block or a line. */
const ROOTS = [
  '/a"; } location /evil { return 200; } #',
  "/a'; include /etc/passwd; '",
  "/a\\",
  '/a\\" b',
  "/a\nserver { }\n",
  "/$document_root/$" + "{x}",
  "/a{b}c;d",
  "/#x",
  "/[a]*?",
];

/** Removes the project's own path. */
function withoutPlace(directives: readonly Directive[]): unknown {
  return directives
    .filter(({ name }) => !["working_directory", "include", "access_log"].includes(name))
    .map(({ name, args, block }) => [name, args, block ? withoutPlace(block) : undefined]);
}

test.each(ROOTS)("a project in %j changes the meaning of no line", (root) => {
  const [plain, hostile] = [parseConf(conf("/p")), parseConf(conf(root))];
  expect(serversOf(hostile)).toEqual(SERVERS);
  expect(countsOf(hostile)).toEqual(countsOf(plain));
  expect(withoutPlace(hostile)).toEqual(withoutPlace(plain));
  const place = hostile.find(({ name }) => name === "working_directory");
  expect(place?.args).toEqual([layoutOf(root).ikigai]);
});

test("the tests' parser distinguishes words from delimiters", () => {
  expect(parseConf('a "b;{}" \'c"\' d\\ e#f; # x }\ng { h "\\"i\\\\"; }')).toEqual([
    { name: "a", args: ["b;{}", 'c"', "d\\ e#f"] },
    { name: "g", args: [], block: [{ name: "h", args: ['"i\\'] }] },
  ]);
  for (const broken of ["a", "a {", "}", "{ }", "a { b }"]) {
    expect(() => parseConf(broken), broken).toThrow();
  }
});
