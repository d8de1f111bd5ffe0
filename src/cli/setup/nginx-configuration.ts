import { readIfThere, writeAtomically } from "../../host/fs/files.ts";
import { programDigest } from "../../host/project/package-file.ts";
import type { Layout } from "../../model/layout.ts";
import { control } from "./control.ts";

/**
 * Has a running nginx read its configuration where that is another one than it was started or
 * reloaded with last, as after an upgrade. A reload cuts idle connections, so none happens without need.
 *
 * @param wasRunning false where nginx has just been started and so has read it
 */
export async function loadNginxConfiguration(layout: Layout, wasRunning: boolean): Promise<void> {
  const record = `${layout.run}/nginx.loaded`;
  const digest = programDigest(layout.nginxConf);
  if (readIfThere(record)?.toString() === digest) return;
  if (wasRunning) await control(layout, "nginx", "-s", "reload");
  writeAtomically(record, digest, { durable: false });
}
