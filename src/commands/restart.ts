import type { Run } from "./command.ts";
import { prepareProject } from "./prepare.ts";
import { start } from "./start.ts";
import { stopAll } from "./stop.ts";

export const restart: Run = async (context, args, options) => {
  const { layout } = await prepareProject(context.cwd);
  await stopAll(layout);
  return start(context, args, options);
};
