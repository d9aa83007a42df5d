import type { Config } from "../config/index.ts";
import { checkConfiguration, type ConfigurationRead } from "./check-configuration.ts";
import { checkDirectories } from "./check-directories.ts";
import { checkKernel } from "./check-kernel.ts";
import { type AskLibrary, checkLibraries } from "./check-libraries.ts";
import { checkNode } from "./check-node.ts";
import { checkRegistries } from "./check-registries.ts";
import { checkRuntimes } from "./check-runtimes.ts";
import { checkStore } from "./check-store.ts";
import type { Finding } from "./finding.ts";
import type { Host } from "./host.ts";
import { probeKernel } from "./kernel.ts";
import type { OpenStoreToRead } from "./store-probe.ts";

/** What is looked at besides the machine. */
export interface Patient {
  /** The settings in force, without what is wrong in the file. */
  readonly config: Config;
  readonly configuration: ConfigurationRead;
  /** Absent for a process without one. */
  readonly homeDirectory: string | undefined;
  readonly openStore: OpenStoreToRead;
  /** Asks one of the libraries that `config` names. */
  readonly askLibrary: AskLibrary;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * Looks at the machine and at how siflet is set up. Changes nothing; of other programs it runs the
 * runtimes on PATH, with `--version`, one after the other and for at most 5 s each; of the network it asks
 * the libraries that the configuration names, for at most 15 s each.
 *
 * @returns what was found, by topic
 */
export async function diagnose(
  host: Host,
  { config, configuration, homeDirectory, openStore, askLibrary, now }: Patient,
  signal: AbortSignal,
): Promise<Finding[]> {
  const { compression, store } = config.values;
  const kernel = await probeKernel(host);
  const findings = [
    ...(await checkConfiguration(host, configuration)),
    ...checkNode(host),
    ...(await checkStore(host, store, openStore)),
    ...(await checkDirectories(host, config)),
    ...(await checkKernel(host, kernel, compression)),
    ...(await checkRuntimes(host, compression, signal)),
    ...(await checkRegistries(host, config, homeDirectory)),
    ...(await checkLibraries(host, config, { askLibrary, now }, signal)),
  ];
  signal.throwIfAborted();
  return findings;
}
