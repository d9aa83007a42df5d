export type { AskedLibrary, AskLibrary } from "./check-libraries.ts";
export { userNamespaceFinding } from "./check-kernel.ts";
export type { ConfigurationRead } from "./check-configuration.ts";
export { diagnose, type Patient } from "./diagnose.ts";
export { worstOf, type Fact, type Finding, type Status, type Topic } from "./finding.ts";
export { readText, type FileSystemFacts, type Host, type PathFacts } from "./host.ts";
export { probeKernel } from "./kernel.ts";
export { systemHost, type HostIdentity } from "./system-host.ts";
export type { OpenedStore, OpenStoreToRead } from "./store-probe.ts";
