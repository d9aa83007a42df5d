import { CodedError } from "../base/index.ts";

export type KeysErrorCode = "KEY_NOT_FOUND" | "KEY_SERVER" | "KEYRING_FILE";

/**
 * Keys that cannot be had or kept.
 *
 * - `KEY_NOT_FOUND`: no keyring, or no key server that was asked, has the key
 * - `KEY_SERVER`: no key server gave the key, and not every one said that it has none
 * - `KEYRING_FILE`: a keyring cannot be read or written, is too large, or has no place to be in
 */
export class KeysError extends CodedError<KeysErrorCode> {}
