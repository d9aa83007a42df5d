import { formatOrigin, originOf, type Config } from "../config/index.ts";
import type { CheckResult, HousekeepingPolicy } from "../daemon/index.ts";
import { isRecord } from "../image/index.ts";
import { CliError } from "./cli-error.ts";
import type { ServiceHost } from "./environment.ts";

const HOUR_MS = 60 * 60 * 1000;

/**
 * What a daemon does by itself, as the configuration has it.
 *
 * @throws CliError `USAGE` where the marks of the collection contradict each other
 */
export function housekeepingOf(config: Config): HousekeepingPolicy {
  const { values } = config;
  const highPercent = values["daemon.gcHighPercent"];
  const lowPercent = values["daemon.gcLowPercent"];
  const maxAgeHours = values["daemon.gcMaxAgeHours"];
  const checkHours = values["daemon.checkEveryHours"];
  if (highPercent !== undefined && lowPercent >= highPercent) {
    const where = formatOrigin(originOf(config, "daemon.gcHighPercent"));
    const message = `${where}: daemon.gcHighPercent: expected more than gcLowPercent, which is ${lowPercent}`;
    throw new CliError("USAGE", message);
  }
  const isOff = highPercent === undefined && maxAgeHours === undefined;
  const collection = {
    highPercent,
    lowPercent,
    minAgeMs: values["daemon.gcMinAgeSeconds"] * 1000,
    maxAgeMs: maxAgeHours === undefined ? undefined : maxAgeHours * HOUR_MS,
  };
  return {
    collection: isOff ? undefined : collection,
    checkEveryMs: checkHours === undefined ? undefined : checkHours * HOUR_MS,
  };
}

/** As `siflet fsck --deep --repair`, with the same configuration. */
export async function checkFiles(
  { file, values }: Config,
  service: Pick<ServiceHost, "runBeside">,
  signal: AbortSignal,
): Promise<CheckResult> {
  const place = [...(file === undefined ? [] : ["--config", file]), "--store", values.store];
  const words = [...place, "fsck", "--deep", "--repair", "--json"];
  const { exitCode, stdout } = await service.runBeside(words, signal);
  const result = parseCheck(stdout);
  if (result !== undefined) return result;
  throw new Error(`siflet fsck ended with ${exitCode ?? "a signal"} and without a result`);
}

function parseCheck(text: string): CheckResult | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(value)) return undefined;
  const { images, faults } = value;
  if (typeof images !== "number" || !Array.isArray(faults)) return undefined;
  return {
    images,
    faults: faults.filter(isRecord).map(({ path, text: what, repaired }) => {
      const done = typeof repaired === "string" ? `: ${repaired}` : "";
      return `${String(path)}: ${String(what)}${done}`;
    }),
  };
}
