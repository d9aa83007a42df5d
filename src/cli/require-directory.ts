import { stat } from "node:fs/promises";
import { usageError } from "./cli-error.ts";

/**
 * Refuses a directory that is none.
 *
 * @param named - what names it: an option, or a line of the configuration file
 * @returns `path`
 * @throws CliError `USAGE`
 */
export async function requireDirectory(path: string, named: string): Promise<string> {
  try {
    if ((await stat(path)).isDirectory()) return path;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw usageError(`${named} ${path}: expected a directory: ${reason}`, { cause: error });
  }
  throw usageError(`${named} ${path}: expected a directory`);
}
