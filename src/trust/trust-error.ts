import { CodedError } from "../base/index.ts";

export type TrustErrorCode = "TRUST_REQUIRED" | "TRUST_FORBIDDEN" | "TRUST_LIST";

/**
 * An image that the policy refuses though nothing about its signatures is broken: `TRUST_REQUIRED` (not
 * enough of those whose signatures count have signed), `TRUST_FORBIDDEN` (a list says whose files are not
 * to be used, or that none in this directory is); or a list that cannot be used (`TRUST_LIST`).
 */
export class TrustError extends CodedError<TrustErrorCode> {}
