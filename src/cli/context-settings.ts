import type { Config } from "../config/index.ts";
import type { Credentials } from "../registry/index.ts";
import type { ContextSettings } from "./environment.ts";
import { hostsIn, localFilesIn } from "./session-store.ts";

/**
 * What of the configuration a command that asks registries goes by.
 *
 * @param libraries - in place of those of the configuration
 */
export function contextSettings(
  config: Config,
  credentials: Credentials,
  libraries: ContextSettings["librarySettings"] = config.values.libraries,
): ContextSettings {
  const { values } = config;
  const { compression, owners, layout, limits, plainHttp, tokenRealms } = values;
  return {
    plainHttpHosts: plainHttp,
    hosts: hostsIn(config),
    credentials,
    tokenRealms,
    librarySettings: libraries,
    serverNamedAddresses: values["registries.serverNamedAddresses"],
    transfers: {
      perBlob: values["transfers.perBlob"],
      perRegistry: values["transfers.perRegistry"],
      total: values["transfers.total"],
    },
    idleMs: values["transfers.idleSeconds"] * 1000,
    minBytesPerSecond: values["transfers.minRate"],
    limits,
    defaults: { compression, owners, layout },
    localFiles: localFilesIn(config),
  };
}
