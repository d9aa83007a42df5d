import { CodedError } from "../base/index.ts";

export type CliErrorCode = "USAGE" | "STDOUT_FAILED";

/**
 * - `USAGE`: a command line that means nothing
 * - `STDOUT_FAILED`: the result could not be written to standard output
 */
export class CliError extends CodedError<CliErrorCode> {}

export function usageError(message: string, options?: ErrorOptions): CliError {
  return new CliError("USAGE", message, options);
}
