export { CliError, type CliErrorCode } from "./cli-error.ts";
export type { Environment, OpenedContext, TextStream } from "./environment.ts";
export { EXIT, EXIT_CODES, type ErrorCode, type ExitCode } from "./exit-codes.ts";
export { Interrupted } from "./interrupted.ts";
export { runCli } from "./run-cli.ts";
