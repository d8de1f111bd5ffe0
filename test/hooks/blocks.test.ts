import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  foreignHook,
  hookKind,
  ownHook,
  sharedHook,
  wrappingHook,
} from "../../src/host/git/hook/script.ts";
import {
  findBlock,
  hasTornBlock,
  placeBlock,
  withoutBlocks,
} from "../../src/host/git/managed-block.ts";

/** Any bytes, with our lines more often than by chance. */
const texts = fc
  .array(
    fc.oneof(
      fc
        .string({ unit: "binary", maxLength: 20 })
        .map((text) => Buffer.from(text).toString("latin1")),
      fc.constantFrom("\n", "#!/bin/sh", "#!/usr/bin/env bash\n", "exit 0\n", "# >>> other >>>\n"),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(""));

const bodies = fc
  .array(fc.constantFrom("/.envrc\n", "/.ikigai\n", "# a remark\n", "echo\n"), { maxLength: 4 })
  .map((lines) => lines.join(""));

describe("a block in a file", () => {
  test("is removed without a trace", () => {
    fc.assert(
      fc.property(texts, bodies, (text, body) => {
        expect(withoutBlocks(placeBlock(text, body))).toBe(text);
      }),
    );
  });

  test("leaves text that was added after it", () => {
    expect(withoutBlocks(`${placeBlock("theirs", "ours\n")}later\n`)).toBe("theirs\nlater\n");
    expect(withoutBlocks(`${placeBlock("theirs\n", "ours\n")}later\n`)).toBe("theirs\nlater\n");
  });

  test("never removes more than itself when one of its marks is missing", () => {
    const placed = placeBlock("theirs\n", "ours\n");
    const opened = `${placed.replace("# <<< ikigai <<<\n", "")}precious\n`;
    expect(withoutBlocks(opened)).toBe(opened);
    expect(hasTornBlock(opened)).toBe(true);
    const twice = opened + placed;
    expect(withoutBlocks(twice)).toBe(`${opened}theirs\n`);
    expect(hasTornBlock(twice)).toBe(true);
    expect(hasTornBlock(placed)).toBe(false);
  });
});

describe("a shared hook", () => {
  test("equals the foreign one without our block, and does not change when joined twice", () => {
    fc.assert(
      fc.property(texts, (text) => {
        const shared = sharedHook(text);
        expect(foreignHook(shared)).toBe(text);
        expect(sharedHook(shared)).toBe(shared);
      }),
    );
  });

  test("starts with the foreign interpreter line, followed by our block", () => {
    const shared = sharedHook("#!/usr/bin/env -S bash -e\nexit 1\n");
    expect(shared).toMatch(/^#!\/usr\/bin\/env -S bash -e\n# >>> ikigai >>>\n/);
    expect(findBlock(shared)?.after).toBe("exit 1\n");
  });
});

test.each([
  ["#!/bin/sh\n", "shell"],
  ["#! /bin/bash -eu\n", "shell"],
  ["#!/usr/bin/env zsh\n", "shell"],
  ["#!/usr/bin/env -S FOO=1 dash -e\n", "shell"],
  ["#!/bin/busybox sh\n", "shell"],
  ["echo no interpreter\n", "shell"],
  ["", "shell"],
  ["#!/usr/bin/python3\n", "program"],
  ["#!/usr/bin/env node\n", "program"],
  ["#!/usr/bin/fish\n", "program"],
  ["#!/usr/bin/env -S\n", "program"],
  ["\x7fELF\x02\0\0", "program"],
  ["\xef\xbb\xbf#!/bin/sh\n", "program"],
  ['#!/bin/sh\n"exec" "python3" "$0" "$@"\n', "program"],
  ["#!/bin/sh\n# >>> ikigai >>>\n", "torn"],
  ["#!/bin/sh", "shell"],
  ["#!/bin/s", "cut"],
  [ownHook().slice(0, 30), "cut"],
  [ownHook().slice(0, -30), "cut"],
  [ownHook().slice(0, 60).padEnd(ownHook().length, "\0"), "cut"],
  [wrappingHook("post-rewrite").slice(0, -20), "cut"],
  [`${ownHook().slice(0, 60)}\necho theirs\n`, "torn"],
  ["\0\0\0\0", "program"],
  [ownHook(), "own"],
  [wrappingHook("post-merge"), "wrapping"],
  [`${ownHook()}echo theirs\n`, "shell"],
])("%j is a hook of the kind %s", (text, kind) => {
  expect(hookKind(text)).toBe(kind);
});
