import { CodedError } from "../base/index.ts";

export type DaemonErrorCode = "DAEMON_RUNNING" | "DAEMON_SOCKET";

/**
 * The daemon cannot listen where it shall.
 *
 * - `DAEMON_RUNNING`: somebody answers at its socket already
 * - `DAEMON_SOCKET`: its socket cannot be made
 */
export class DaemonError extends CodedError<DaemonErrorCode> {}
