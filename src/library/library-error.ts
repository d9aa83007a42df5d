import { CodedError } from "../base/index.ts";

export type LibraryErrorCode =
  | "LIBRARY_UNAUTHORIZED"
  | "LIBRARY_DENIED"
  | "LIBRARY_RATE_LIMITED"
  | "LIBRARY_STATUS"
  | "LIBRARY_PROTOCOL"
  | "LIBRARY_DISCOVERY"
  | "LIBRARY_UNSUPPORTED"
  | "LIBRARY_UNVERIFIED"
  | "LIBRARY_QUOTA"
  | "LIBRARY_BLOCKED"
  | "LIBRARY_CONFIG";

/**
 * What a library refused, or said that cannot be used.
 *
 * - `LIBRARY_UNAUTHORIZED`: it wants a token, or does not know the one that it was shown
 * - `LIBRARY_DENIED`: it knows who asks, and forbids it
 * - `LIBRARY_RATE_LIMITED`: too many requests, and waiting did not help
 * - `LIBRARY_STATUS`: an answer with a status that the protocol does not foresee
 * - `LIBRARY_PROTOCOL`: an answer that is none of the protocol
 * - `LIBRARY_DISCOVERY`: its host says nothing that can be used of where it is, or names a place that may
 *   not be shown the token
 * - `LIBRARY_UNSUPPORTED`: an item that is no SIF, or one in a form that is not pulled; a library that
 *   takes no uploads
 * - `LIBRARY_UNVERIFIED`: it does not say of what bytes an image is, and nobody allowed that
 * - `LIBRARY_QUOTA`: whoever pushes has no more room in it
 * - `LIBRARY_BLOCKED`: the site has another one as its only library
 * - `LIBRARY_CONFIG`: a file or variable that says how it is asked cannot be read or understood
 */
export class LibraryError extends CodedError<LibraryErrorCode> {
  /** Of the answer; undefined where that is not what was wrong. */
  readonly status: number | undefined;

  constructor(
    code: LibraryErrorCode,
    message: string,
    options?: ErrorOptions & { readonly status?: number },
  ) {
    super(code, message, options);
    this.status = options?.status;
  }
}
