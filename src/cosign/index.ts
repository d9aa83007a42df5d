export {
  type Authority,
  certificateAuthority,
  keyAuthority,
  keylessAuthority,
  readTrustedRoot,
  type TrustedRoot,
} from "./authority.ts";
export { CosignError, type CosignErrorCode } from "./cosign-error.ts";
export { KeepingRepository, keptBeside, keptText } from "./kept-signatures.ts";
export type { ReadFile } from "./judge-requirements.ts";
export {
  demandedAuthorities,
  judgeDemand,
  policyDemand,
  type PolicyDemand,
  type PolicyParts,
} from "./policy-demand.ts";
export {
  type ContainersPolicy,
  parsePolicyJson,
  type PolicyRequirement,
  type PolicySource,
  type SigstoreTrust,
} from "./policy-json.ts";
export { type PolicyPlace, policyRequirements } from "./policy-scope.ts";
export {
  type AttachmentRules,
  hasAttachments,
  readAttachmentRules,
  type RegistriesFile,
} from "./registries-d.ts";
export type { SignedIdentity, SignedName } from "./signed-identity.ts";
export { verifyImage, type VerifyImageOptions } from "./verify-image.ts";
