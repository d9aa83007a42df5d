import { CodedError } from "../base/index.ts";

/**
 * - `ARCHIVE_UNREADABLE`: a file or directory that may not be read, is of another kind, or is a link
 * - `ARCHIVE_INVALID`: no image layout or archive, or one that contradicts itself or lacks a part
 * - `ARCHIVE_CHANGED`: a file that became shorter while it was read
 * - `ARCHIVE_AMBIGUOUS`: several images, of which none was chosen
 * - `ARCHIVE_UNSUPPORTED`: a form of before 2016, or of a later major version
 */
export type ArchiveErrorCode =
  | "ARCHIVE_UNREADABLE"
  | "ARCHIVE_INVALID"
  | "ARCHIVE_CHANGED"
  | "ARCHIVE_AMBIGUOUS"
  | "ARCHIVE_UNSUPPORTED";

/** A layout or an archive that no image can be taken out of as asked. */
export class ArchiveError extends CodedError<ArchiveErrorCode> {}

/** The message names the archive, what was expected and what came. */
export function archiveInvalid(what: string, expected: string): ArchiveError {
  return new ArchiveError("ARCHIVE_INVALID", `${what}: expected ${expected}`);
}
