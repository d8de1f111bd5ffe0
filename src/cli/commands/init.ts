import type { Run } from "../context.ts";
import { pc } from "../output/colours.ts";
import { prepareProject } from "../setup/prepare-project.ts";

export const init: Run = async ({ cwd, say }) => {
  const { layout, configuration, known } = await prepareProject(cwd);
  say(`${pc.green("✔")} ${layout.ikigai} is ${known ? "up to date" : "ready"}`);
  say(
    `  web addresses: http://localhost:${configuration.http.port}; Postgres port: ${configuration.postgres.port}`,
  );
  say(`  next: ${pc.bold("ikigai start")}`);
  return 0;
};
