import { CodedError } from "../base/index.ts";

/** A conversion that this machine could not carry out. */
export class ConvertError extends CodedError<"NO_SPACE" | "CONVERT_THREAD"> {}
