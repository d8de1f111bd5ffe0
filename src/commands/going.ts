import { askDaemon } from "../host/daemon-client.ts";
import type { Layout } from "../model/layout.ts";
import type { RetiredReport } from "../model/report.ts";
import { localTime } from "./wt-restore.ts";

/** Tells of data that goes for good within a day. Says nothing when it cannot know. */
export async function sayWhatGoes(layout: Layout, say: (text: string) => void): Promise<void> {
  const answer = await askDaemon<{ retired: RetiredReport[] }>(layout, "GET", "/v1/retired").catch(
    () => ({ retired: [] }),
  );
  for (const { name, schema, goes } of answer.retired.filter(({ soon }) => soon)) {
    say(
      `  data of ${name} goes on ${localTime(goes)}; to keep it: ikigai wt restore ${schema} --into WORKTREE`,
    );
  }
}
