import { isAbsolute, join, resolve } from "node:path";
import { isErrno, readAtMost } from "../base/index.ts";
import { ConfigError } from "./config-error.ts";
import { userConfigDirectory, type Surroundings } from "./defaults.ts";
import type { ParsedConfig } from "./parse-config.ts";

/** Far more than all keys with a comment each. */
const MAX_BYTES = 256 * 1024;

const SYSTEM_FILE = "/etc/siflet/config.yaml";

/** Where a configuration file may be; the first that is there is read, and no other. */
export interface ConfigPlaces {
  readonly paths: readonly string[];
  /** Whether somebody named the file, so that it must be there. */
  readonly isNamed: boolean;
}

/**
 * Where to look for the configuration: at `given` (`--config`), else `SIFLET_CONFIG`, else
 * `siflet/config.yaml` in the XDG configuration directory and `/etc/siflet/config.yaml`.
 */
export function configPlaces(
  given: string | undefined,
  surroundings: Pick<Surroundings, "variables" | "workingDirectory" | "homeDirectory">,
): ConfigPlaces {
  const named = given ?? surroundings.variables["SIFLET_CONFIG"] ?? "";
  if (named !== "") {
    const path = isAbsolute(named) ? named : resolve(surroundings.workingDirectory, named);
    return { paths: [path], isNamed: true };
  }
  const user = userConfigDirectory(surroundings);
  const paths = user === undefined ? [] : [join(user, "siflet/config.yaml")];
  return { paths: [...paths, SYSTEM_FILE], isNamed: false };
}

/**
 * Reads the first configuration file of `places` that is there.
 *
 * @returns undefined where there is none
 * @throws ConfigError `CONFIG_FILE_UNREADABLE`: one that is there cannot be read, or the named one
 *   is not there; `CONFIG_FILE_INVALID`: it is no text
 */
export async function readConfigFile(places: ConfigPlaces): Promise<ParsedConfig | undefined> {
  for (const path of places.paths) {
    const bytes = await readIfThere(path, places.isNamed);
    if (bytes === undefined) continue;
    // Loaded only where there is a file to read: it costs as much as all the rest of the start.
    const { parseConfig } = await import("./parse-config.ts");
    return parseConfig(textOf(bytes, path), path);
  }
  return undefined;
}

async function readIfThere(path: string, isNamed: boolean): Promise<Buffer | undefined> {
  let bytes: Buffer | undefined;
  try {
    bytes = await readAtMost(path, MAX_BYTES);
  } catch (error) {
    if (!isNamed && isErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    const reason = error instanceof Error ? error.message : String(error);
    throw unreadable(path, reason, { cause: error });
  }
  if (bytes !== undefined) return bytes;
  throw unreadable(path, `expected at most ${MAX_BYTES} bytes, got more`);
}

function unreadable(path: string, reason: string, options?: ErrorOptions): ConfigError {
  return new ConfigError(
    "CONFIG_FILE_UNREADABLE",
    `cannot read the configuration file ${path}: ${reason}`,
    options,
  );
}

function textOf(bytes: Buffer, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    const message = `${path}:1: expected text in UTF-8, got other bytes`;
    throw new ConfigError("CONFIG_FILE_INVALID", message, { cause: error });
  }
}
