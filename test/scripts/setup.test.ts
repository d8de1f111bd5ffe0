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
  expect(commands(["runit"]).dnf).toMatch(/^# runit is not in Fedora's own/);
});
