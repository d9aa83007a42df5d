import { CodedError } from "../base/index.ts";

/** What can be wrong with a signature that is there; sif.md §2.6. */
export type SignatureFault =
  | "SIGNATURE_FORMAT"
  | "SIGNATURE_HASH"
  | "SIGNATURE_WEAK_HASH"
  | "SIGNATURE_INVALID"
  | "SIGNATURE_EXPIRED"
  | "SIGNATURE_SIGNER_UNKNOWN"
  | "SIGNATURE_KEY_EXPIRED"
  | "SIGNATURE_KEY_REVOKED"
  | "SIGNATURE_KEY_KIND"
  | "SIGNATURE_KEY_UNUSABLE"
  | "SIGNATURE_FINGERPRINT"
  | "SIGNATURE_METADATA"
  | "SIGNATURE_OBJECT_UNSIGNED"
  | "SIGNATURE_OBJECT_ABSENT"
  | "SIGNATURE_HEADER"
  | "SIGNATURE_DESCRIPTOR"
  | "SIGNATURE_DATA"
  | "SIGNATURE_LEGACY";

/** What can be wrong with the file, whatever its signatures say; sif.md §2.6. */
export type SignedFileFault =
  | "SIGNATURE_NONE"
  | "SIGNATURE_NO_GROUPS"
  | "SIGNATURE_NO_GROUP"
  | "SIGNATURE_NO_OBJECT"
  | "SIGNATURE_UNGROUPED";

/** What can be wrong with a key or a certificate that somebody named. */
export type KeyFault =
  "KEY_UNREADABLE" | "KEY_UNUSABLE" | "KEY_LOCKED" | "CERTIFICATE_INVALID" | "USER_ID_INVALID";

export type SigningErrorCode = SignatureFault | SignedFileFault | KeyFault;

/** A file that is not signed as asked, or a key that cannot be used; docs/errors.md explains each code. */
export class SigningError extends CodedError<SigningErrorCode> {}
