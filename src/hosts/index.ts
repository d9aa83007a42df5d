export { ConfiguredHosts, type ConfiguredHostsOptions } from "./configured-hosts.ts";
export { HostsError, type HostsErrorCode } from "./hosts-error.ts";
export { loadParsers } from "./load-parsers.ts";
export type { RegistriesConf } from "./parse-registries-conf.ts";
export { registriesConfPlaces, type RegistriesConfPlaces } from "./registries-conf.ts";
