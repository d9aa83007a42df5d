import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { hashFile } from "../../src/base/index.ts";
import type { Store } from "../../src/store/index.ts";
import { checkStore } from "../../src/upkeep/index.ts";
import { openTestStore } from "../fixtures/store/index.ts";
import { KEPT } from "./scenario.ts";

const never = new AbortController().signal;

/**
 * Asserts that a store is whole after whatever went wrong: it opens, what was published before is
 * intact with its names and borrowers, every image that is shown has the bytes of its id, nothing
 * temporary is left, and what a check finds beside that it can put right.
 *
 * @returns how many files without a record were found: complete ones, of a publication that was cut
 */
export async function assertWhole(directory: string): Promise<number> {
  await using store = await openTestStore(directory);
  assert.equal(store.wasRebuilt, false);
  for (const name of KEPT) {
    const image = await store.find(name, [name]);
    assert.deepEqual(
      image.borrowers.map(({ who }) => who),
      ["somebody"],
    );
  }
  await assertNoLie(store);
  assert.deepEqual(await readdir(join(directory, "tmp")), []);
  const strays = await strayCount(store, false);
  // The texts that stand for images here are no SIFs: complete, and yet nothing to be adopted.
  assert.equal(await strayCount(store, true), strays);
  return strays;
}

/** Asserts that a check finds nothing but complete files without a record; answers how many. */
async function strayCount(store: Store, repair: boolean): Promise<number> {
  const { faults } = await checkStore(store, { deep: true, repair, now: 1 }, never);
  const others = faults.filter(({ kind }) => kind !== "unowned-file");
  assert.deepEqual(others, []);
  return faults.length;
}

/** No image is shown whose file is not what its id says. */
async function assertNoLie(store: Store): Promise<void> {
  for (const { id, path } of await store.list()) assert.equal(await hashFile(path, never), id);
}
