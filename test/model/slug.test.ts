import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assignSlugs, isSlug, schemaOf } from "../../src/model/slug.ts";

const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const slug = (name: string | Uint8Array) => assignSlugs([Buffer.from(name)], digest)[0] ?? "";

/** Names in file systems: any byte but NUL and `/`; often close to a slug. */
const anyName = fc.oneof(
  fc
    .uint8Array({ minLength: 1, maxLength: 255 })
    .map((bytes) => Buffer.from(bytes.map((b) => (b === 0 || b === 0x2f ? 0x41 : b)))),
  fc.stringMatching(/^[a-zA-Z0-9_. -]{1,60}$/).map((text) => Buffer.from(text)),
  fc
    .string({ unit: "grapheme", minLength: 1, maxLength: 40 })
    .map((text) => Buffer.from(text.replace(/[\0/]/g, "x"))),
);

describe("slugs", () => {
  it.each(["main", "rel-05", "a", "x".repeat(40), "-", "--"])("keeps %s", (name) => {
    expect(slug(name)).toBe(name);
  });

  it.each([
    ["a capital", "Main"],
    ["an underscore", "a_b"],
    ["41 characters", "x".repeat(41)],
    ["only signs", "$(rm -rf ~)"],
    ["an emoji", "🚀"],
    ["a newline", "a\nb"],
    ["a leading BOM", "\ufeffmain"],
  ])("makes one of a name with %s", (_, name) => {
    expect(isSlug(slug(name))).toBe(true);
    expect(slug(name)).not.toBe(name);
  });

  it("distinguishes names that differ in case, in one character, or late", () => {
    const long = "x".repeat(69);
    const names = ["a-b", "a_b", "A-b", "a.b", `${long}1`, `${long}2`, "é", "e\u0301"];
    expect(new Set(names.map(slug)).size).toBe(names.length);
  });

  it("is a slug, always the same, and different for different names", () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyName, { selector: (b) => b.toString("hex") }), (names) => {
        const slugs = assignSlugs(names, digest);
        expect(slugs.every(isSlug)).toBe(true);
        expect(new Set(slugs).size).toBe(names.length);
        expect(assignSlugs(names, digest)).toEqual(slugs);
      }),
    );
  });

  it("stays unique when another worktree's slug is used as a name", () => {
    fc.assert(
      fc.property(anyName, (name) => {
        const taken = Buffer.from(slug(name));
        const names = taken.equals(name) ? [name] : [name, taken];
        expect(new Set(assignSlugs(names, digest)).size).toBe(names.length);
        // A name that is a slug already stays: its address does not change.
        if (names.length === 2) expect(assignSlugs(names, digest)[1]).toBe(taken.toString());
      }),
    );
  });

  it("gives different worktrees different schemas of at most 63 bytes", () => {
    fc.assert(
      fc.property(anyName, anyName, (a, b) => {
        const [one = "", two = ""] = assignSlugs([a, b], digest);
        fc.pre(!a.equals(b));
        expect(schemaOf(one)).not.toBe(schemaOf(two));
        expect(Buffer.byteLength(schemaOf(one))).toBeLessThanOrEqual(63);
      }),
    );
  });
});
