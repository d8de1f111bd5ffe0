export { branchSchema } from "./branch.ts";
export { type Difference, diffSchemas } from "./diff.ts";
export { dependents, dropSchema, schemaSize } from "./drop.ts";
export { BranchError } from "./errors.ts";
export { moveExtensions } from "./extensions.ts";
export { type Claim, claimReserve } from "./reserve/claim.ts";
export { dropReserve, keepReserve } from "./reserve/keep.ts";
export { refusals, surveySchema } from "./survey.ts";
export { sweepBuilds } from "./sweep.ts";
