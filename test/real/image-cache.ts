import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtempDisposable, readdir, readFile, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";

/** Built images are kept here, in the clone, until their recipe changes. */
const CACHE = resolve(import.meta.dirname, "../../.cache/images");

/**
 * Returns a folder that `build` filled, from an earlier run where there is one.
 *
 * @param name - what the folder is called, before a hash of the recipe
 * @param recipe - the source files that decide what is built: a change in one builds anew
 * @param build - fills the empty folder it is given; on an error nothing is kept
 */
export async function cachedFolder(
  name: string,
  recipe: readonly string[],
  build: (folder: string) => Promise<void>,
): Promise<string> {
  const key = await recipeKey(recipe);
  const folder = join(CACHE, `${name}-${key}`);
  if (existsSync(folder)) return folder;
  await mkdir(CACHE, { recursive: true });
  for (const entry of await readdir(CACHE)) {
    if (entry.startsWith(`${name}-`)) await rm(join(CACHE, entry), { recursive: true });
  }
  await using work = await mkdtempDisposable(join(CACHE, "building-"));
  const built = join(work.path, name);
  await mkdir(built);
  await build(built);
  try {
    await rename(built, folder);
  } catch (error) {
    // Another process was quicker: its folder is as good as ours.
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

async function recipeKey(recipe: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const file of recipe) hash.update(await readFile(file));
  return hash.digest("hex").slice(0, 12);
}
