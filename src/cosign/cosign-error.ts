import { CodedError } from "../base/index.ts";

const SIGNATURE_FAULTS = [
  "SIGNATURE_FORMAT",
  "SIGNATURE_INVALID",
  "SIGNATURE_SIGNER_UNKNOWN",
  "SIGNATURE_KEY_UNUSABLE",
  "SIGNATURE_DIGEST",
  "SIGNATURE_IDENTITY",
  "SIGNATURE_CERTIFICATE",
  "SIGNATURE_LOG",
  "SIGNATURE_TIME",
] as const;

/** What can be wrong with one signature of an image. */
export type ImageSignatureFault = (typeof SIGNATURE_FAULTS)[number];

/** Whether evidence that was kept as text still says what is wrong in words of ours. */
export function isSignatureFault(code: string | undefined): code is ImageSignatureFault {
  return SIGNATURE_FAULTS.some((fault) => fault === code);
}

/** Why a policy refuses an image, besides what is wrong with its signatures. */
export type PolicyRefusal =
  "SIGNATURE_NONE" | "SIGNATURE_REFERENCE" | "POLICY_REJECTS" | "POLICY_SIGNED_BY";

/** What can be wrong with what somebody named, or with more signatures than are looked at. */
export type CosignSetupFault = "SIGNATURE_LIMIT" | "POLICY_INVALID" | "TRUSTED_ROOT_INVALID";

export type CosignErrorCode = ImageSignatureFault | PolicyRefusal | CosignSetupFault;

/** An image that is not signed as asked, or a setting that cannot be used; docs/errors.md explains each code. */
export class CosignError extends CodedError<CosignErrorCode> {}
