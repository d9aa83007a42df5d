import { CodedError } from "../base/index.ts";

export type ConfigErrorCode = "CONFIG_FILE_INVALID" | "CONFIG_FILE_UNREADABLE" | "CONFIG_NO_HOME";

/**
 * - `CONFIG_FILE_INVALID`: the configuration file says what siflet does not understand; the message
 *   begins with `FILE:LINE: `
 * - `CONFIG_FILE_UNREADABLE`: a file that was named is not there, or one cannot be read
 * - `CONFIG_NO_HOME`: no store is named, and there is no home directory to have one in
 */
export class ConfigError extends CodedError<ConfigErrorCode> {}
