import type { Run } from "../context.ts";
import { prepareProject } from "../setup/prepare-project.ts";
import { restartServices } from "./service-control.ts";
import { start } from "./start.ts";
import { stopAll } from "./stop.ts";

/** Restarts everything, or only the named services. */
export const restart: Run = async (context, args, options) => {
  if (args.length > 0) return restartServices(context, args, options);
  const { layout } = await prepareProject(context.cwd);
  await stopAll(layout);
  return start(context, args, options);
};
