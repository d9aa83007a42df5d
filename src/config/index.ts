export { cacheBytes, type CacheSize } from "./cache-size.ts";
export { ConfigError, type ConfigErrorCode } from "./config-error.ts";
export { configPlaces, readConfigFile, type ConfigPlaces } from "./config-file.ts";
export {
  cacheDirectory,
  daemonSocket,
  formatOrigin,
  originOf,
  resolveConfig,
  shownSettings,
  type Config,
  type FlagSettings,
  type Origin,
  type ShownSetting,
} from "./config.ts";
export { DEFAULT_PROFILE, defaultJobs, type Surroundings } from "./defaults.ts";
export { KEY_SERVER_FORM, keyServerUrl } from "./key-server-url.ts";
export { isEndpoint, type LibrarySettings } from "./library-settings.ts";
export { readYaml } from "./read-yaml.ts";
export { parseSize } from "./size.ts";
export { hostsListedIn } from "./host-lists.ts";
export type { TrustedSigner, TrustMode, TrustNames, TrustRule } from "./trust-settings.ts";
export type { ParsedConfig } from "./parse-config.ts";
export { isPlainHttpHost } from "./plain-http-host.ts";
export { MOST_JOBS, type Key, type Values } from "./schema.ts";
