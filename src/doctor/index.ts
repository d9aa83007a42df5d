export type { ConfigurationRead } from "./check-configuration.ts";
export { diagnose, type Patient } from "./diagnose.ts";
export { worstOf, type Fact, type Finding, type Status, type Topic } from "./finding.ts";
export type { FileSystemFacts, Host, PathFacts } from "./host.ts";
export { systemHost, type HostIdentity } from "./system-host.ts";
export type { OpenedStore, OpenStoreToRead } from "./store-probe.ts";
