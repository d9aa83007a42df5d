export type { Environment } from "./environment.ts";
export { EXIT, EXIT_CODES, type ErrorCode } from "./exit-codes.ts";
export { Interrupted } from "./interrupted.ts";
export { runCli } from "./run-cli.ts";
