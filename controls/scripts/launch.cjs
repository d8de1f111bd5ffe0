// launch.cjs LOG PROGRAM ARGS…: starts PROGRAM detached. In Node, because it resets all signals and passes on
// no descriptors, which no portable shell can do above number 9.
const { spawn } = require("node:child_process");
const { openSync } = require("node:fs");

const [log, program, ...args] = process.argv.slice(2);
const output = openSync(log, "a");
const env = { ...process.env };
delete env.NODE_OPTIONS;
const child = spawn(program, args, { detached: true, stdio: ["ignore", output, output], env });
child.on("error", (error) => {
  console.error(`ikigai: ${program} could not be started: ${error.message}`);
  process.exitCode = 1;
});
child.unref();
