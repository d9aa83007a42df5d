import { Code, ConnectError } from "@connectrpc/connect";
import { CodedError } from "../base/index.ts";
import { terminalText } from "../http/index.ts";
import { isErrorCode, SERVICE_STATUS } from "./service-status.ts";

/** Longer ones are cut: they travel in a header, and clients bound those. */
const MAX_MESSAGE_CHARS = 2000;

const INTERNAL = "siflet failed in a way that it should not; its log says how";
const STOPPING = "siflet is stopping; try again when it has started again";

/** What of a call decides how its failure is told. */
export interface CallSignals {
  /** Aborted when the client leaves or its time is over. */
  readonly client: AbortSignal;
  /** Aborted when the daemon ends what has not ended by itself. */
  readonly stopping: AbortSignal;
}

/**
 * `error` as gRPC answers it. Equal failures have equal texts, for the kubelet merges those; where it is the
 * daemon that gives up, the code is never CANCELLED.
 *
 * @see cri.md §2.4
 */
export function connectErrorOf(error: unknown, { client, stopping }: CallSignals): ConnectError {
  if (client.aborted) {
    const reason: unknown = client.reason;
    return reason instanceof ConnectError
      ? reason
      : new ConnectError("the client has left", Code.Canceled);
  }
  const cause = firstOf(error);
  if (cause instanceof ConnectError) return bounded(cause);
  if (cause instanceof CodedError && isErrorCode(cause.code)) return codedError(cause, cause.code);
  if (stopping.aborted) return new ConnectError(STOPPING, Code.Unavailable);
  return new ConnectError(INTERNAL, Code.Internal, undefined, undefined, cause);
}

function codedError(error: Error, errorCode: keyof typeof SERVICE_STATUS): ConnectError {
  const { code, marker } = SERVICE_STATUS[errorCode];
  const text = terminalText(error.message, MAX_MESSAGE_CHARS);
  const message = marker === undefined ? text : `${marker}: ${text}`;
  return new ConnectError(message, code, undefined, undefined, error);
}

/** Its words may repeat some of a client's, which no header takes as they are. */
function bounded(error: ConnectError): ConnectError {
  const message = terminalText(error.rawMessage, MAX_MESSAGE_CHARS);
  return message === error.rawMessage
    ? error
    : new ConnectError(message, error.code, undefined, undefined, error.cause);
}

/** An error while releasing something hides the one that it followed. */
function firstOf(error: unknown): unknown {
  let first = error;
  while (first instanceof SuppressedError) first = first.suppressed as unknown;
  return first;
}

/** gRPC's own name of a code: `NOT_FOUND`. */
export function codeName(code: Code): string {
  return CODE_NAMES[code];
}

const CODE_NAMES: Readonly<Record<Code, string>> = {
  [Code.Canceled]: "CANCELLED",
  [Code.Unknown]: "UNKNOWN",
  [Code.InvalidArgument]: "INVALID_ARGUMENT",
  [Code.DeadlineExceeded]: "DEADLINE_EXCEEDED",
  [Code.NotFound]: "NOT_FOUND",
  [Code.AlreadyExists]: "ALREADY_EXISTS",
  [Code.PermissionDenied]: "PERMISSION_DENIED",
  [Code.ResourceExhausted]: "RESOURCE_EXHAUSTED",
  [Code.FailedPrecondition]: "FAILED_PRECONDITION",
  [Code.Aborted]: "ABORTED",
  [Code.OutOfRange]: "OUT_OF_RANGE",
  [Code.Unimplemented]: "UNIMPLEMENTED",
  [Code.Internal]: "INTERNAL",
  [Code.Unavailable]: "UNAVAILABLE",
  [Code.DataLoss]: "DATA_LOSS",
  [Code.Unauthenticated]: "UNAUTHENTICATED",
};
