export type { ControlGroup, ControlMode, ExecutionControlList } from "./execution-control-list.ts";
export { parseEcl } from "./parse-ecl.ts";
export type { Judgement } from "./judge.ts";
export { DEFAULT_POLICY, type ChosenRule, type TrustPolicy } from "./policy.ts";
export { Trust, type TrustParts, type TrustReport } from "./trust.ts";
export { TrustError, type TrustErrorCode } from "./trust-error.ts";
export { readContainersPolicy, type PolicyReader } from "./read-containers-policy.ts";
export { signsImages, trustedKeys, type ReadText } from "./trusted-keys.ts";
