export { ArchiveError, type ArchiveErrorCode } from "./archive-error.ts";
export { openArchive, type ArchiveOptions, type OpenedArchive } from "./open-archive.ts";
