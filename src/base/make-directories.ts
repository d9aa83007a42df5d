import { mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { isErrno } from "./errno.ts";

/**
 * Makes `path` a directory, with all that is missing above it. Node's own `recursive` asks again and again, for
 * ever, where a file system says of a directory that is there that it is not, as procfs does.
 *
 * @param mode - of those that are made, less the umask
 * @returns the first one that was made; undefined where all were there
 * @throws what the file system says, EEXIST where something else is in its place, ENOTDIR where above it
 */
export async function makeDirectories(path: string, mode: number): Promise<string | undefined> {
  const missing: string[] = [];
  for (let at = resolve(path); !(await isDirectory(at)); at = dirname(at)) missing.push(at);
  let first: string | undefined;
  for (const directory of missing.reverse()) {
    try {
      await mkdir(directory, mode);
      first ??= directory;
    } catch (error) {
      // Somebody else made it meanwhile; where it is no directory, the next one below cannot be made (ENOTDIR).
      const isPassed = directory !== missing.at(-1) || (await isDirectory(directory));
      if (!isErrno(error, "EEXIST") || !isPassed) throw error;
    }
  }
  return first;
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return false;
    throw error;
  }
}
