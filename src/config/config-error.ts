import { CodedError } from "../base/index.ts";

export type ConfigErrorCode = "CONFIG_FILE_INVALID" | "CONFIG_FILE_UNREADABLE";

/**
 * - `CONFIG_FILE_INVALID`: the configuration file says what siflet does not understand; the message
 *   begins with `FILE:LINE: `
 * - `CONFIG_FILE_UNREADABLE`: a file that was named is not there, or one cannot be read
 */
export class ConfigError extends CodedError<ConfigErrorCode> {}
