import { renderEnvrc } from "../../model/envrc.ts";
import type { RawPath } from "../../model/worktree.ts";
import { joinRaw } from "../fs/files.ts";
import type { UserEnvironment } from "../fs/xdg.ts";
import { type AllowOutcome, allowEnvrc, allowTrackedEnvrc, forgetAllowance } from "./allow.ts";
import { type EnvrcOutcome, type EnvrcPlace, writeEnvrc } from "./envrc.ts";

export interface Provision extends EnvrcPlace {
  /** The default worktree's top; its tracked `.envrc` speaks for the same bytes elsewhere. */
  readonly defaultTop?: RawPath | string | undefined;
}

/** `allowed` is absent where there was nothing that we may allow. */
export interface Provided {
  readonly envrc: EnvrcOutcome;
  readonly allowed?: AllowOutcome;
}

/**
 * All that direnv needs in one directory beside the environment: our `.envrc`, allowed; or,
 * where there is another, the user's word for it carried over.
 */
export async function provideEnvrc(
  provision: Provision,
  environment: UserEnvironment = process.env,
): Promise<Provided> {
  const { directory, environmentFile, defaultTop } = provision;
  const path = joinRaw(directory, ".envrc");
  const envrc = await writeEnvrc(provision);
  if (envrc === "written" || envrc === "unchanged") {
    return { envrc, allowed: await allowEnvrc(path, renderEnvrc(environmentFile), environment) };
  }
  if (envrc === "going") return { envrc };
  const allowed =
    defaultTop === undefined || envrc === "unsafe"
      ? "changed"
      : await allowTrackedEnvrc(joinRaw(defaultTop, ".envrc"), path, environment);
  if (allowed !== "changed") return { envrc, allowed };
  forgetAllowance(path, environment);
  return { envrc };
}
