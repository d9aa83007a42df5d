import { CodedError } from "../base/index.ts";

export type HostsErrorCode = "REGISTRY_BLOCKED" | "REGISTRY_CONFIG";

/**
 * What operators wrote about a registry keeps us from asking it. The message begins with the file
 * and, where there is one, the line: `FILE:LINE: `.
 *
 * - `REGISTRY_BLOCKED`: containers' registries.conf blocks the registry, or the repository
 * - `REGISTRY_CONFIG`: a file that says how to reach the registry cannot be read, or means nothing
 */
export class HostsError extends CodedError<HostsErrorCode> {}
