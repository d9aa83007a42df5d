export { assertNever } from "./assert-never.ts";
export { ByteBudget } from "./byte-budget.ts";
export { ByteList, grown, Uint32List } from "./growable.ts";
export { compareBytes, safeNumber, viewOf } from "./bytes.ts";
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
export { shellWord } from "./shell-word.ts";
export { threadUrl } from "./thread-url.ts";
export { writeFully } from "./write-fully.ts";
export { openFileSource, type FileSource } from "./file-source.ts";
export { isErrno } from "./errno.ts";
export { copyContents } from "./copy-contents.ts";
export { hashFile } from "./hash-file.ts";
export { SingleFlight } from "./single-flight.ts";
export { exists } from "./exists.ts";
export { fileSize } from "./file-size.ts";
