import { CodedError } from "../base/index.ts";

export type ImageErrorCode =
  | "IS_USED"
  | "NOT_FOUND"
  | "NOT_LIBRARY"
  | "REFERENCE_INVALID"
  | "REFERENCE_TRANSPORT"
  | "DIGEST_INVALID"
  | "DESCRIPTOR_INVALID"
  | "MANIFEST_INVALID"
  | "MANIFEST_SCHEMA1"
  | "MANIFEST_UNSUPPORTED"
  | "CONFIG_INVALID"
  | "OCI_SIF"
  | "PLATFORM_INVALID"
  | "PLATFORM_NOT_FOUND"
  | "INFO_INVALID"
  | "JSON_INVALID";

/** What is wrong with an image's name, documents or state; `candidates` with an ambiguous prefix. */
export class ImageError extends CodedError<ImageErrorCode> {
  /** Ids that an ambiguous prefix matches; borrowers of an image that is used. */
  readonly candidates: readonly string[];

  constructor(
    code: ImageErrorCode,
    message: string,
    options?: ErrorOptions & { readonly candidates?: readonly string[] },
  ) {
    super(code, message, options);
    this.candidates = options?.candidates ?? [];
  }
}

/** Bytes that are not the bytes their descriptor promised. */
export class ContentError extends CodedError<"CONTENT_SIZE_MISMATCH" | "CONTENT_DIGEST_MISMATCH"> {}
