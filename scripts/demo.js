import { randomInt } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { build } from "./build.js";
import { interruption } from "./interruption.js";
import { endMarked, processesOf } from "./processes.js";
import { removeProject } from "./remove.js";
import { setup } from "./setup.js";
import { isProgram, main, must, root, run, StepError, step } from "./steps.js";

const cli = join(root, "dist", "cli.cjs");
const prefix = "iki-demo-";
const greeting = "Hello from main";

/** Returns the environment without what could direct git or Postgres to another project. */
function environment(base, keep) {
  const foreign = /^(GIT_|PG|DATABASE_URL$|SVDIR$|IKIGAI|DIRENV_|npm_|PORT$)/;
  const kept = Object.entries(process.env).filter(([name]) => !foreign.test(name));
  const person = { NAME: "ikigai demo", EMAIL: "demo@example.com" };
  const identity = Object.entries(person).flatMap(([key, value]) => [
    [`GIT_AUTHOR_${key}`, value],
    [`GIT_COMMITTER_${key}`, value],
  ]);
  // Keeps direnv's records of a temporary project out of the user's home.
  const data = keep ? {} : { XDG_DATA_HOME: join(base, "data") };
  return { ...Object.fromEntries([...kept, ...identity]), ...data };
}

function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.on("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1" }, () => server.close(() => resolve(true)));
  });
}

async function choosePort(preferred) {
  for (let port = preferred; ; port = randomInt(20_000, 32_000)) {
    if (await isFree(port)) return port;
  }
}

/** Creates a bare repository in `project/.git` with the branches main, rel-05 and rel-06. */
async function makeProject({ base, project, env, ports }) {
  const seed = join(base, "seed");
  cpSync(join(root, "fixtures", "app"), seed, { recursive: true });
  const git = (cwd, ...args) => must("git", args, { cwd, env });
  await git(seed, "init", "--quiet", "--initial-branch=main");
  await git(seed, "add", "--all");
  await git(seed, "commit", "--quiet", "--message", "The notes application");
  for (const branch of ["rel-05", "rel-06"]) {
    await git(seed, "switch", "--quiet", "--create", branch, "main");
    for (const name of ["backend/greeting.ts", "frontend/index.html"]) {
      const file = join(seed, name);
      writeFileSync(file, readFileSync(file, "utf8").replace(greeting, `Hello from ${branch}`));
    }
    await git(seed, "commit", "--quiet", "--all", "--message", `Greet from ${branch}`);
  }
  await git(base, "clone", "--quiet", "--bare", seed, join(project, ".git"));
  await git(project, "remote", "remove", "origin");
  rmSync(seed, { recursive: true });
  const rc = { http: { port: ports.http }, postgres: { port: ports.postgres } };
  const usual = ports.http === 8888 && ports.postgres === 15432;
  if (!usual) writeFileSync(join(project, ".ikigairc.json"), `${JSON.stringify(rc)}\n`);
  return usual ? project : `${project}, ports ${ports.http} and ${ports.postgres}`;
}

async function ask(address, options) {
  const signal = AbortSignal.any([AbortSignal.timeout(120_000), interruption]);
  const response = await fetch(address, { signal, ...options });
  const text = await response.text();
  if (response.ok) return text;
  throw new StepError(`${address} answered ${response.status}:\n${text.slice(0, 4000)}`);
}

/** Writes a note in a worktree, and returns its page and its backend's response. */
async function visit(origin, name) {
  const page = await ask(`${origin}/${name}/frontend/`);
  const hello = JSON.parse(await ask(`${origin}/${name}/api/hello`));
  const body = JSON.stringify({ text: `Written in ${name}` });
  await ask(`${origin}/${name}/api/notes`, { method: "POST", body });
  return { page, hello };
}

/** Checks that a worktree runs its own code, and has its own note and no other's. */
async function compare(origin, name, names) {
  const { page, hello } = await visit(origin, name);
  const notes = JSON.parse(await ask(`${origin}/${name}/api/notes`)).map(({ text }) => text);
  const foreign = names.filter((other) => other !== name && notes.includes(`Written in ${other}`));
  const own = page.includes(`Hello from ${name}`) && hello.text === `Hello from ${name}`;
  const mine = notes.filter((text) => text === `Written in ${name}`).length === 1;
  if (!own || !mine || foreign.length > 0 || hello.worktree !== name) {
    throw new StepError(`${name} does not answer for itself: ${JSON.stringify({ hello, notes })}`);
  }
  return `"${hello.text}", notes: ${notes.map((text) => `"${text}"`).join(", ")}`;
}

async function show(project, origin, env) {
  const ikigai = (...args) => must(process.execPath, [cli, ...args], { cwd: project, env });
  const git = (...args) => must("git", args, { cwd: project, env });
  const typed = (words, work) => step(`$ ${words}`, async () => void (await work()));
  await typed("git worktree add main", () => git("worktree", "add", "--quiet", "main"));
  await typed("git worktree add rel-05", () => git("worktree", "add", "--quiet", "rel-05"));
  await typed("ikigai init", () => ikigai("init"));
  await typed("ikigai start", () => ikigai("start"));
  await typed("git worktree add rel-06", () => git("worktree", "add", "--quiet", "rel-06"));
  const names = ["main", "rel-05", "rel-06"];
  for (const name of names) {
    await step(`Asking ${origin}/${name}/`, () => compare(origin, name, names));
  }
  const { stdout } = await ikigai("wt", "list");
  console.log(`\n$ ikigai wt list\n${stdout.trimEnd()}\n`);
  for (const name of names) {
    console.log(
      `  ${origin}/${name}/frontend/   or   ${origin.replace("//", `//${name}.`)}/frontend/`,
    );
  }
  console.log("");
}

async function tidy({ base, project, env }) {
  await step("Stopping everything and removing the project", async () => {
    const isMade = existsSync(join(project, ".ikigai"));
    if (isMade) await run(process.execPath, [cli, "stop"], { cwd: project, env, tidying: true });
    const left = await processesOf([base], { patience: 3_000 });
    await endMarked([base]);
    removeProject(base, project);
    if (left.length === 0 || interruption.aborted) return "nothing is left running";
    throw new StepError(`These were still running:\n${left.map((one) => one.title).join("\n")}`);
  });
}

async function demo({ keep }) {
  await setup();
  await build();
  const base = realpathSync(mkdtempSync(join(tmpdir(), prefix)));
  const project = join(base, "project");
  const env = environment(base, keep);
  const place = { base, project, env };
  let stay = false;
  try {
    const ports = { http: await choosePort(8888), postgres: await choosePort(15432) };
    await step("Making a project", () => makeProject({ ...place, ports }));
    await show(project, `http://localhost:${ports.http}`, env);
    stay = keep;
  } finally {
    if (!stay) await tidy(place);
  }
  if (!stay) return;
  console.log(`It keeps running. Look around:   cd ${project}/rel-06`);
  console.log(`Stop and remove it:              npm run demo -- --remove ${base}`);
}

/** Ends a demo that was kept. */
async function remove(base) {
  const project = join(base, "project");
  if (!basename(base).startsWith(prefix) || !existsSync(join(project, ".ikigai"))) {
    throw new StepError(`${base} is no directory of a demo.`);
  }
  await tidy({ base, project, env: environment(base, true) });
}

if (isProgram(import.meta.url)) {
  const [option, directory] = process.argv.slice(2);
  await main(
    () => (option === "--remove" ? remove(directory ?? "") : demo({ keep: option === "--keep" })),
    { tidies: true },
  );
}
