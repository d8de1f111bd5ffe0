import { renderEnvrc } from "../../model/envrc.ts";
import type { RawPath } from "../../model/worktree.ts";
import { joinRaw } from "../fs/files.ts";
import type { UserEnvironment } from "../fs/xdg.ts";
import { type AllowOutcome, allowEnvrc, allowTrackedEnvrc, forgetAllowance } from "./allow.ts";
import { type EnvrcOutcome, type EnvrcPlace, writeEnvrc } from "./envrc.ts";

/** A directory to set up, as for `writeEnvrc`. */
export interface Provision extends EnvrcPlace {
  /** The default worktree's top; approval of its tracked `.envrc` covers the same content elsewhere. */
  readonly defaultTop?: RawPath | string | undefined;
}

/** `allowed` is absent if there was nothing that we may allow. */
export interface Provided {
  readonly envrc: EnvrcOutcome;
  readonly allowed?: AllowOutcome;
}

/**
 * Sets up direnv in one directory, apart from the environment itself: writes our `.envrc` and allows it; or,
 * if there is another one, carries the user's approval over to it.
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
