import { map } from "./maps.ts";
import { indented } from "./quote.ts";

const TYPES: Readonly<Record<string, string>> = {
  "application/gzip": "gz tgz",
  "application/json": "json map",
  "application/manifest+json": "webmanifest",
  "application/pdf": "pdf",
  "application/rss+xml": "rss",
  "application/wasm": "wasm",
  "application/zip": "zip",
  "audio/aac": "aac",
  "audio/flac": "flac",
  "audio/mp4": "m4a",
  "audio/mpeg": "mp3",
  "audio/ogg": "ogg oga opus",
  "audio/wav": "wav",
  "font/otf": "otf",
  "font/ttf": "ttf",
  "font/woff": "woff",
  "font/woff2": "woff2",
  "image/apng": "apng",
  "image/avif": "avif",
  "image/bmp": "bmp",
  "image/gif": "gif",
  "image/jpeg": "jpg jpeg",
  "image/png": "png",
  "image/svg+xml": "svg",
  "image/webp": "webp",
  "image/x-icon": "ico",
  "model/gltf+json": "gltf",
  "model/gltf-binary": "glb",
  "text/calendar": "ics",
  "text/css": "css",
  "text/csv": "csv",
  "text/html": "html htm",
  "text/javascript": "js mjs cjs",
  "text/markdown": "md",
  "text/plain": "txt log",
  "text/vtt": "vtt",
  "text/xml": "xml xsl",
  "video/mp4": "mp4 m4v",
  "video/ogg": "ogv",
  "video/quicktime": "mov",
  "video/webm": "webm",
};

/** Renders a `types` block; not included from nginx's mime.types, whose path differs by distribution. */
export function typesBlock(): string {
  const rows = Object.entries(TYPES).map(([type, names]) => `${type} ${names};`);
  return `types {\n${indented(rows.join("\n"))}\n}\ndefault_type application/octet-stream;`;
}

/**
 * Maps a missing file to the action: without a dot in its last part, the path is a page of the application.
 */
export function staticMaps(): string {
  return [
    map("$uri", "$on_missing", [
      ["default", "@page"],
      ['"~\\.[^/]*$"', "@no_file"],
    ]),
    map("$uri", "$on_forbidden", [
      ["default", "@forbidden"],
      ['"~/$"', "@page"],
    ]),
    map("$request_method", "$writes", [
      ["default", "1"],
      ["GET", '""'],
      ["HEAD", '""'],
    ]),
  ].join("\n");
}

const FILES = `open_file_cache off;
root $documents;
# Follow the link to the frontend, but none inside it, which could lead out of the worktree.
disable_symlinks on from=$document_root$consumed;
add_header Cache-Control no-cache;
charset utf-8;`;

/**
 * Locations that serve the files of a frontend, and `index.html` for the pages of a single-page application.
 */
export function staticLocations(): string {
  return `location / {
${indented(`${FILES}
if ($writes) {
  return 405;
}
error_page 404 = $on_missing;
error_page 403 = $on_forbidden;`)}
}
location @page {
${indented(`${FILES}
try_files $consumed/index.html @missing;`)}
}
location @no_file {
  return 404;
}
location @forbidden {
  return 403;
}`;
}
