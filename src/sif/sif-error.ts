import { CodedError } from "../base/index.ts";

export type SifErrorCode =
  "SIF_MAGIC" | "SIF_VERSION" | "SIF_TABLE" | "SIF_OBJECT" | "SIF_ARCHITECTURE";

/**
 * Bytes that are not a sound SIF file, or an image that a SIF cannot hold: `SIF_MAGIC` (no global
 * header), `SIF_VERSION`, `SIF_TABLE` (descriptor table), `SIF_OBJECT` (one record or its object),
 * `SIF_ARCHITECTURE` (no code for it).
 */
export class SifError extends CodedError<SifErrorCode> {}
