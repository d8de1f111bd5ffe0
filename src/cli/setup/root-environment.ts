import fs from "node:fs";
import { allowEnvrc } from "../../host/direnv/allow.ts";
import { putEnvironment, writeEnvrc } from "../../host/direnv/envrc.ts";
import { provideEnvrc } from "../../host/direnv/provision.ts";
import { toBuffer, writeAtomically } from "../../host/fs/files.ts";
import { ownerSocketDirectory } from "../../host/net/socket-path.ts";
import type { Configuration } from "../../model/configuration/configuration.ts";
import { CONNECTION_VARIABLES, ownerVariables } from "../../model/environment-variables.ts";
import {
  ENVIRONMENT_FILE,
  environmentFile,
  environmentPath,
  renderEnvrc,
} from "../../model/envrc.ts";
import type { Layout } from "../../model/layout.ts";
import type { Worktree } from "../../model/worktree.ts";

/** Writes the environment of a shell at the project's root, as far as it is known before the first start. */
export async function writeRootEnvironment(
  layout: Layout,
  { postgres, http }: Configuration,
  worktrees: readonly Worktree[],
  passwordFile: string,
): Promise<void> {
  // Earlier versions kept the owner's password here.
  fs.rmSync(`${layout.run}/pgpass`, { force: true });
  const variables = ownerVariables(layout, {
    httpPort: http.port,
    postgresPort: postgres.port,
    socketDirectory: ownerSocketDirectory(layout, postgres.port),
    passwordFile,
  });
  const file = environmentPath(layout);
  writeAtomically(file, environmentFile(variables, layout.bin, CONNECTION_VARIABLES));
  const root = Buffer.from(layout.root);
  const here = worktrees.find(({ path }) => toBuffer(path).equals(root));
  if (here) return provideFirst(layout, here);
  const place = { directory: layout.root, environmentFile: file, scratch: layout.run };
  const outcome = await writeEnvrc({ ...place, worktree: false });
  if (outcome === "foreign") return;
  await allowEnvrc(`${layout.root}/.envrc`, renderEnvrc(file));
}

/** Provides PATH and SVDIR, so that the controls can be called; the daemon adds the rest. */
async function provideFirst(layout: Layout, { slug, gitDir, path }: Worktree): Promise<void> {
  const file = environmentPath(layout, slug);
  const first = environmentFile({ SVDIR: layout.sv }, layout.bin);
  if (!fs.existsSync(file)) writeAtomically(file, first);
  const inGit = `${toBuffer(gitDir)}/${ENVIRONMENT_FILE}`;
  const source = fs.existsSync(inGit) ? inGit : putEnvironment(gitDir, first, file);
  const place = { directory: path, environmentFile: source, scratch: layout.run };
  await provideEnvrc({ ...place, worktree: true });
}
