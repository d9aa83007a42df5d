export { DaemonError, type DaemonErrorCode } from "./daemon-error.ts";
export type { SocketPlace } from "./listen.ts";
export { logObserver, type LogObserverOptions } from "./log-observer.ts";
export type { ServedMetrics } from "./daemon-metrics.ts";
export type { CheckResult, HousekeepingPolicy } from "./housekeeping.ts";
export { runDaemon, type DaemonParts, type OpenedSources } from "./run-daemon.ts";
export { inheritedSocket, Systemd, type SystemdOptions } from "./systemd.ts";
