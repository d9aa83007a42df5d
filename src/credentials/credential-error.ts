import { CodedError } from "../base/index.ts";

export type CredentialErrorCode =
  "CREDENTIALS_INVALID" | "CREDENTIALS_FILE" | "CREDENTIALS_NOT_FOUND" | "CREDENTIAL_HELPER";

/**
 * Credentials that cannot be had, used or kept. No message holds one: what stands in the place of a
 * secret is told by its kind alone.
 *
 * - `CREDENTIALS_INVALID`: given ones make no sense, such as a user name without a password
 * - `CREDENTIALS_FILE`: a file of credentials is malformed, or cannot be read or written; or one
 *   that was named is not there
 * - `CREDENTIALS_NOT_FOUND`: there is no login that could be shown or removed
 * - `CREDENTIAL_HELPER`: a program that keeps credentials is missing, failed, took too long or did
 *   not answer as its protocol has it
 */
export class CredentialError extends CodedError<CredentialErrorCode> {}
