export { branchSchema } from "./branch.ts";
export { type Difference, diffSchemas, type SchemaDiff } from "./diff.ts";
export { dependents, dropSchema, schemaSize, sweepBuilds } from "./drop.ts";
export { BranchError } from "./errors.ts";
export { type ExtensionMove, moveExtensions } from "./extensions.ts";
export { type Claim, claimReserve } from "./reserve/claim.ts";
export { dropReserve, keepReserve, type ReserveReport } from "./reserve/keep.ts";
export { refusals, surveySchema } from "./source.ts";
export type {
  BranchOptions,
  BranchReport,
  Connect,
  Note,
  Progress,
  Refusal,
  Survey,
} from "./types.ts";
