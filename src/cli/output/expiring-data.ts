import { goesLine } from "./worktree-list.ts";
import { askDaemon } from "../client/daemon-client.ts";
import type { Layout } from "../../model/layout.ts";
import type { RetiredReport } from "../../model/reports.ts";

/** Tells of data that goes for good within a day. Says nothing when it cannot know. */
export async function sayWhatGoes(layout: Layout, say: (text: string) => void): Promise<void> {
  for (const one of (await readRetired(layout)).filter(({ soon }) => soon)) say(goesLine(one));
}

/** What was put aside; nothing when it cannot be known. */
export async function readRetired(layout: Layout): Promise<readonly RetiredReport[]> {
  const answer = await askDaemon<{ retired: RetiredReport[] }>(layout, "GET", "/v1/retired").catch(
    () => ({ retired: [] }),
  );
  return answer.retired;
}
