import { CodedError } from "../base/index.ts";

/** A converted layer on disk that is not what was written; it is rebuilt, never trusted. */
export class PackError extends CodedError<"PACK_DAMAGED"> {}
