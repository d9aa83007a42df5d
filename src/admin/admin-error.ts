import { CodedError } from "../base/index.ts";

export type AdminErrorCode = "DAEMON_UNREACHABLE" | "DAEMON_REFUSED";

/**
 * What became of a question to a daemon.
 *
 * - `DAEMON_UNREACHABLE`: nobody answers at its socket, or we may not ask there
 * - `DAEMON_REFUSED`: it answered with an error
 */
export class AdminError extends CodedError<AdminErrorCode> {}
