// A healthy daemon that answers for services without a service directory in sv/.
import { rmSync } from "node:fs";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";

const root = process.argv[2];
process.chdir(`${root}/.ikigai`);
rmSync("daemon.sock", { force: true });
const server = createServer(async (request, response) => {
  if (request.url === "/v1/health") return response.end('{"ok":true}');
  const [command, name] = (await text(request)).split("\n");
  response.statusCode = name === "idle.api" ? 200 : 404;
  response.end(name === "idle.api" ? `${command}: ${name}: idle` : `there is no service ${name}`);
});
server.listen("daemon.sock", () => console.log(`listening for ${root}`));
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));
