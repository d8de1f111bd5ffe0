/** The name of a worktree or service in addresses, schemas and files: `[a-z0-9-]`, 1 to 40 characters. */
export type Slug = string;

/** Computes a stable digest of bytes: lower-case hexadecimal, at least 40 characters. */
export type Digest = (bytes: Uint8Array) => string;

const SLUG = /^[a-z0-9-]{1,40}$/;
const HASH_LENGTH = 8;

export function isSlug(text: string): boolean {
  return SLUG.test(text);
}

/**
 * Assigns a different slug to each name. A name that is already a slug is kept; any other is converted, and
 * gets a suffix of `HASH_LENGTH` digits of its digest. If that slug is taken (another name looks like it),
 * the later name gets a longer suffix. The order of the names must therefore be stable.
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

/** Returns the name of a worktree's schema and role: `wt_` and the slug with `_` for `-`. */
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
