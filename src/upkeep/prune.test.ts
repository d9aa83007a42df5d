import assert from "node:assert/strict";
import { test } from "node:test";
import type { StoredImage } from "../store/index.ts";
import { planPrune, type PruneOptions } from "./prune.ts";

function image(id: string, lastUsedAt: number, more: Partial<StoredImage> = {}): StoredImage {
  return {
    id,
    size: 100,
    names: { tags: [`docker.io/library/${id}:1`], digests: [] },
    origin: "layers",
    platform: { os: "linux", architecture: "amd64" },
    source: { reference: id, layers: [] },
    createdAt: 0,
    lastUsedAt,
    borrowers: [],
    pinned: false,
    sideLoaded: false,
    localFiles: [],
    path: `/store/images/${id}.sif`,
    ...more,
  };
}

const borrowers = [{ who: "me", takenAt: 0 }];

interface Row {
  readonly name: string;
  readonly images: readonly StoredImage[];
  readonly options: Partial<PruneOptions>;
  readonly removed: readonly string[];
  readonly kept?: readonly string[];
}

const rows: readonly Row[] = [
  { name: "nothing asked", images: [image("a", 1)], options: {}, removed: [] },
  {
    name: "by age, the least recently used first",
    images: [image("new", 9), image("b", 2), image("a", 1)],
    options: { usedBefore: 5 },
    removed: ["a", "b"],
  },
  {
    name: "used just then is not before",
    images: [image("a", 5)],
    options: { usedBefore: 5 },
    removed: [],
  },
  {
    name: "by size, until it fits exactly",
    images: [image("a", 1), image("b", 2), image("c", 3)],
    options: { keepBytes: 200 },
    removed: ["a"],
  },
  {
    name: "equal times by id",
    images: [image("b", 1), image("a", 1)],
    options: { keepBytes: 100 },
    removed: ["a"],
  },
  {
    name: "past what is borrowed or pinned",
    images: [image("a", 1, { borrowers }), image("b", 2, { pinned: true }), image("c", 3)],
    options: { keepBytes: 250 },
    removed: ["c"],
    kept: ["a borrowed", "b pinned"],
  },
  {
    name: "past what was used lately",
    images: [image("a", 1), image("b", 5), image("c", 6)],
    options: { keepBytes: 50, spareUsedSince: 5 },
    removed: ["a"],
    kept: ["b recent", "c recent"],
  },
  {
    name: "patterns in either spelling",
    images: [image("a", 1), image("b", 2), image("c", 3)],
    options: { keepBytes: 0, pins: ["a:*", "docker.io/library/b:1"] },
    removed: ["c"],
    kept: ["a pinned", "b pinned"],
  },
  {
    name: "a file outside the store goes by age alone",
    images: [image("a", 1, { origin: "local" }), image("b", 2)],
    options: { keepBytes: 0 },
    removed: ["b"],
  },
  {
    name: "a file outside the store, by age",
    images: [image("a", 1, { origin: "local" })],
    options: { usedBefore: 2 },
    removed: ["a"],
  },
  {
    name: "by age or by size",
    images: [image("old", 1), image("b", 7), image("c", 8)],
    options: { usedBefore: 5, keepBytes: 100 },
    removed: ["old", "b"],
  },
];

for (const { name, images, options, removed, kept = [] } of rows) {
  test(name, () => {
    const plan = planPrune(images, { pins: [], ...options });
    assert.deepEqual(
      plan.remove.map(({ id }) => id),
      removed,
    );
    assert.deepEqual(
      plan.keep.map(({ image: { id }, because }) => `${id} ${because}`),
      kept,
    );
  });
}
