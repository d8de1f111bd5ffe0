import fs from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { sweepTemporaries } from "../../src/host/temporaries.ts";
import { layoutOf } from "../../src/model/layout.ts";

test("what a killed daemon was writing goes, and what is whole or being written stays", () => {
  const root = fs.mkdtempSync(join(tmpdir(), "iki-"));
  try {
    const layout = layoutOf(root);
    const at = (name: string) => join(layout.run, name);
    const left = [
      "place.0123456789ab.tmp",
      "env/main.sh.0123456789ab.tmp",
      "sockets/.default.0123456789ab",
      "slots/3/sock.0123456789ab",
    ].map(at);
    const kept = ["place", "env/main.sh", "slots/3/sock", "env/new.sh.0123456789ab.tmp"].map(at);
    for (const path of [...left, ...kept]) {
      fs.mkdirSync(dirname(path), { recursive: true });
      fs.writeFileSync(path, "");
    }
    for (const path of left) fs.utimesSync(path, 0, 0);
    sweepTemporaries(layout);
    expect(left.filter((path) => fs.existsSync(path))).toEqual([]);
    expect(kept.filter((path) => !fs.existsSync(path))).toEqual([]);
  } finally {
    fs.rmSync(root, { recursive: true });
  }
});
