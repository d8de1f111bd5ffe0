import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { expect, test } from "vitest";
import { commandFor, managers } from "../../scripts/managers.js";

function commands(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(managers.map((manager) => [manager.name, commandFor(manager, names)]));
}

test("says the one command to type for every package manager", () => {
  expect(commands(["nginx", "postgresql", "direnv"])).toEqual({
    apt: "sudo apt-get update && sudo apt-get install -y --no-install-recommends nginx postgresql direnv",
    dnf: "sudo dnf install -y nginx postgresql-server direnv",
    pacman: "sudo pacman -S --needed nginx postgresql direnv",
    apk: "sudo apk add nginx postgresql direnv",
    brew: "brew install nginx postgresql@17 direnv",
  });
});

test("says where runit comes from on systems that do not package it", () => {
  const { apt, dnf, pacman } = commands(["runit", "curl"]);
  expect(apt).toMatch(/install -y --no-install-recommends runit curl$/);
  expect(dnf).toMatch(/^sudo dnf install -y curl {3}# runit is not in Fedora's own/);
  expect(pacman).toMatch(/^sudo pacman -S --needed curl {3}# runit comes from the AUR/);
  expect(commands(["runit"]).dnf).toMatch(/^runit is not in Fedora's own/);
});

test("dependencies that a clone only links to are left alone", async () => {
  const directory = mkdtempSync(join(tmpdir(), "iki-setup-"));
  const [clone, others] = [join(directory, "clone"), join(directory, "others")];
  const own = { name: "clone", version: "1.0.0" };
  try {
    for (const one of [clone, others]) mkdirSync(one);
    writeFileSync(join(others, "precious"), "");
    for (const part of ["scripts", "src/host/programs/package-managers.json"]) {
      const source = fileURLToPath(new URL(`../../${part}`, import.meta.url));
      cpSync(source, join(clone, part), { recursive: true });
    }
    writeFileSync(join(clone, "package.json"), JSON.stringify({ ...own, type: "module" }));
    const lock = { ...own, lockfileVersion: 3, packages: { "": own } };
    writeFileSync(join(clone, "package-lock.json"), JSON.stringify(lock));
    symlinkSync(others, join(clone, "node_modules"));
    const done = await execa("node", ["scripts/setup.js"], { cwd: clone, reject: false });
    expect(done.stderr).toBe("");
    expect(readdirSync(others)).toEqual(["precious"]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
