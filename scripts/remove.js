import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync, rmdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

// For root, PostgreSQL's files are where its account can reach them, and `.ikigai/db` links there.
const outside = /^\/var\/lib\/ikigai\/[0-9a-f]+\/data$/;

function databaseOutside(project) {
  try {
    const target = readlinkSync(join(project, ".ikigai", "db"));
    return outside.test(target) ? dirname(target) : undefined;
  } catch {
    return undefined;
  }
}

/** Removes a throwaway directory together with the database of the project inside it. */
export function removeProject(base, project) {
  removeWith(base, [databaseOutside(project)]);
}

/**
 * Removes a throwaway directory with any number of projects, their databases, and the small disks mounted
 * there. Processes that run in it must have been ended.
 */
export function removeProjects(base) {
  for (const place of mountsIn(base)) spawnSync("umount", ["--lazy", place]);
  removeWith(base, projectsIn(base, DEPTH).map(databaseOutside));
}

/** How deep projects are searched for: a test's own directory, the project's in it, and one more. */
const DEPTH = 4;

function projectsIn(directory, depth) {
  if (depth === 0) return [];
  return entries(directory).flatMap((entry) => {
    if (entry.name === ".ikigai") return [directory];
    const descends = entry.isDirectory() && !/^\.|^node_modules$/.test(entry.name);
    return descends ? projectsIn(join(directory, entry.name), depth - 1) : [];
  });
}

function entries(directory) {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch {
    return [];
  }
}

/** Lists mount points, the innermost first (proc(5), `mounts`; a space is `\\040`). */
function mountsIn(base) {
  try {
    return readFileSync("/proc/self/mounts", "utf8")
      .split("\n")
      .map((line) => (line.split(" ")[1] ?? "").replaceAll("\\040", " "))
      .filter((place) => place.startsWith(`${base}/`))
      .reverse();
  } catch {
    return [];
  }
}

function removeWith(base, databases) {
  const options = { recursive: true, force: true, maxRetries: 5, retryDelay: 100 };
  rmSync(base, options);
  for (const database of databases) {
    if (database === undefined) continue;
    rmSync(database, options);
    try {
      rmdirSync(dirname(database));
    } catch {
      // It contains another project's database too.
    }
  }
}
