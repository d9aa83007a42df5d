export { assertNever } from "./assert-never.ts";
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
