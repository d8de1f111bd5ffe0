/** `[a-z0-9-]`, 1 to 40 characters; what names a worktree or a service everywhere. */
export type Slug = string;

/** A short, stable digest of bytes: lower-case hexadecimal, at least 40 characters. */
export type Digest = (bytes: Uint8Array) => string;

const SLUG = /^[a-z0-9-]{1,40}$/;
const HASH_LENGTH = 8;

export function isSlug(text: string): boolean {
  return SLUG.test(text);
}

/**
 * Slugs for a set of names, all different. A name that is a slug already is kept; any other is made one,
 * with `HASH_LENGTH` digits of its digest behind it. The first to claim a slug keeps it;
 * a later one (somebody chose a name that looks like another's slug) is given a
 * longer hash. The order of the names must therefore be stable.
 */
export function assignSlugs(names: readonly Uint8Array[], digest: Digest): Slug[] {
  const taken = new Set<Slug>(names.map(asciiOf).filter((n): n is string => !!n && isSlug(n)));
  const literal = new Set<Slug>();
  return names.map((name) => {
    const text = asciiOf(name);
    if (text !== undefined && isSlug(text) && !literal.has(text)) {
      literal.add(text);
      return text;
    }
    const hash = digest(name);
    for (let length = HASH_LENGTH; ; length++) {
      const slug = hashed(text ?? new TextDecoder("utf-8").decode(name), hash, length);
      if (taken.has(slug)) continue;
      taken.add(slug);
      return slug;
    }
  });
}

/** The schema and the role of a worktree: `wt_` and the slug with `_` for `-`. */
export function schemaOf(slug: Slug): string {
  return `wt_${slug.replaceAll("-", "_")}`;
}

function hashed(text: string, hash: string, length: number): Slug {
  const room = 40 - 1 - length;
  const readable = text
    .toLowerCase()
    .normalize("NFKD")
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, room)
    .replace(/^-+|-+$/g, "");
  return `${readable || "wt"}-${hash.slice(0, length)}`;
}

function asciiOf(bytes: Uint8Array): string | undefined {
  let text = "";
  for (const byte of bytes) {
    if (byte < 0x20 || byte > 0x7e) return undefined;
    text += String.fromCharCode(byte);
  }
  return text;
}
