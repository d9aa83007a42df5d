export { addressMatcher, isAddressRange } from "./address-range.ts";
export { Secret } from "./secret.ts";
export { allocatedBytes } from "./allocated-bytes.ts";
export { assertNever } from "./assert-never.ts";
export { ByteBudget } from "./byte-budget.ts";
export { ByteList, grown, Uint32List } from "./growable.ts";
export { compareBytes, inOneChunk, safeNumber, viewOf } from "./bytes.ts";
export type { ByteSource } from "./byte-source.ts";
export { CodedError } from "./coded-error.ts";
export {
  DEFAULT_LIMITS,
  LIMIT_CODES,
  LimitError,
  limitError,
  type LimitCode,
  type Limits,
} from "./limits.ts";
export {
  ProblemAt,
  type LocatedEntry,
  type LocatedList,
  type LocatedMap,
  type LocatedScalar,
  type LocatedValue,
  plainValue,
} from "./located-value.ts";
export { makeDirectories } from "./make-directories.ts";
export { readAtMost } from "./read-at-most.ts";
export { runBeside, type RunBeside } from "./run-beside.ts";
export { shellWord } from "./shell-word.ts";
export { threadUrl } from "./thread-url.ts";
export { writeFully } from "./write-fully.ts";
export { byteSourceOf, openFileSource, type FileSource } from "./file-source.ts";
export { isErrno } from "./errno.ts";
export { realPath } from "./real-path.ts";
export { copyHashed } from "./copy-contents.ts";
export { homeDirectory } from "./home-directory.ts";
export { hashFile } from "./hash-file.ts";
export { SingleFlight } from "./single-flight.ts";
export { Slots, type SlotLoad } from "./slots.ts";
export {
  lowerPoolPriority,
  lowerPriority,
  raisePriority,
  startAtBatchPriority,
} from "./thread-priority.ts";
export { freeBytes } from "./free-bytes.ts";
export { joinBytes } from "./join-bytes.ts";
export { clearAway } from "./clear-away.ts";
export { exists } from "./exists.ts";
export { fileSize } from "./file-size.ts";
export { editFile } from "./edit-file.ts";
export { takeTurn } from "./take-turn.ts";
export { boundPrivately, isAnswered } from "./unix-socket.ts";
