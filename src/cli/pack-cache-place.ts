import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { isErrno } from "../base/index.ts";
import { cacheBytes, cacheDirectory, type Config } from "../config/index.ts";
import type { PackCacheOptions } from "../packs/index.ts";

/** Place and bound of the converted layers that the configuration says are kept. */
export async function packCachePlace(
  config: Config,
): Promise<Pick<PackCacheOptions, "directory" | "maxBytes">> {
  const directory = cacheDirectory(config);
  const size = config.values["cache.maxBytes"];
  // 100 % means that only the bytes count: the file system need not be asked.
  const total =
    size.maxPercent === 100 ? Number.MAX_SAFE_INTEGER : await fileSystemBytes(directory);
  return { directory, maxBytes: cacheBytes(size, total) };
}

/** Size of the file system that `path` is on, or will be on. */
async function fileSystemBytes(path: string): Promise<number> {
  try {
    const { blocks, bsize } = await statfs(path);
    return blocks * bsize;
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR") && dirname(path) !== path) {
      return await fileSystemBytes(dirname(path));
    }
    throw error;
  }
}
