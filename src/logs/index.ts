export { DaemonLog, type DaemonLogOptions } from "./daemon-log.ts";
export type { LogFields, LogFormat, LogLevel } from "./log-fields.ts";
export { stackLines } from "./stack-lines.ts";
