import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { exists, hashFile } from "../../src/base/index.ts";
import { Info } from "../../src/image/index.ts";
import type { Store } from "../../src/store/index.ts";
import type { Place } from "./place.ts";

const never = new AbortController().signal;

/** What a store holds: its names with their images, and its images with their borrowers. */
export interface StoreState {
  readonly names: ReadonlyMap<string, string>;
  readonly images: ReadonlyMap<string, string>;
}

export async function stateOf(store: Store): Promise<StoreState> {
  const images = await store.list();
  return {
    names: new Map(
      images.flatMap(({ id, names }) =>
        [...names.tags, ...names.digests].map((name): [string, string] => [name, id]),
      ),
    ),
    images: new Map(
      images.map(({ id, borrowers }) => [id, borrowers.map(({ who }) => who).join()]),
    ),
  };
}

/** Images of the store whose files are missing or not what their id says. */
export async function damagedImages(
  { store }: Place,
  ids: Iterable<string>,
): Promise<ReadonlySet<string>> {
  const damaged = new Set<string>();
  for (const id of ids) {
    const path = join(store, "images", `${id}.sif`);
    if (!(await exists(path)) || (await hashFile(path, never)) !== id) damaged.add(id);
  }
  return damaged;
}

/** Asserts that a mere look, before anything is put right, shows no image but those that are whole. */
export async function assertNoLie(place: Place, known: ReadonlySet<string>): Promise<void> {
  const shown: unknown = JSON.parse(await place.must("images", "--json"));
  assert.ok(Array.isArray(shown));
  const infos = shown.map((each) => Info.fromJSON(each));
  for (const { id, path } of infos) {
    if (!known.has(id)) assert.equal(await hashFile(path, never), id);
  }
}

/** Asserts that each name and image is as it was before or as it is afterwards. */
export function assertBetween(now: StoreState, before: StoreState, after: StoreState): void {
  for (const name of new Set([
    ...now.names.keys(),
    ...before.names.keys(),
    ...after.names.keys(),
  ])) {
    const meant = [before.names.get(name), after.names.get(name)];
    assert.ok(
      meant.includes(now.names.get(name)),
      `${name} means ${now.names.get(name) ?? "none"}`,
    );
  }
  for (const [id, borrowers] of before.images) {
    if (after.images.has(id)) assert.equal(now.images.get(id), borrowers, id);
  }
  for (const id of now.images.keys()) {
    assert.ok(before.images.has(id) || after.images.has(id), `unknown image ${id}`);
  }
}

/**
 * Asserts that nothing is left of what a process was writing.
 *
 * @param wasKilled - else it went on without what a failing call kept from it: that is kept for a day, or
 *   until the next pull that converts
 */
export async function assertSwept(place: Place, wasKilled: boolean): Promise<void> {
  assert.deepEqual(await readdir(join(place.store, "tmp")), []);
  if (!wasKilled) return;
  assert.deepEqual(await readdir(place.partials).catch(() => []), []);
  const packs = await readdir(join(place.store, "packs")).catch(() => []);
  assert.deepEqual(
    packs.filter((name) => name.startsWith(".siflet")),
    [],
  );
}
