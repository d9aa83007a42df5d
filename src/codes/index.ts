export type { ErrorCode } from "./error-code.ts";
