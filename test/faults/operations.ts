import assert from "node:assert/strict";
import { mkdir, readdir, rm, truncate, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { FaultKind } from "../../src/upkeep/index.ts";
import { makeImage, type FakeRegistry } from "../fixtures/registry/index.ts";
import { toFirstSchema } from "../fixtures/store/to-first-schema.ts";
import { tar } from "../fixtures/tar/index.ts";
import { noiseBytes } from "../real/index.ts";
import type { Place } from "./place.ts";

/** One command of a real process, and the store that it finds. */
export interface Operation {
  readonly name: string;
  readonly args: (host: string) => readonly string[];
  /** Makes the store. */
  readonly prepare: (place: Place, registry: FakeRegistry) => Promise<void>;
  /** Brings about what the command is to put right. */
  readonly spoil?: (place: Place, host: string) => Promise<void> | void;
  /** What a check may find before the command has done its work. */
  readonly faults?: readonly FaultKind[];
  /** Exit codes of the same command once more, besides 0. */
  readonly again?: readonly number[];
}

/** Larger than what is kept in memory on its way; most of it costs nobody anything. */
const LARGE = [
  tar([
    { path: "large", data: Buffer.concat([noiseBytes("large", 600_000), Buffer.alloc(16 << 20)]) },
  ]),
  tar([{ path: "small", data: "small" }]),
];

/** Two layers, of which all versions share the first. */
function version(number: number): readonly Uint8Array[] {
  return [
    tar([{ path: "shared", data: noiseBytes("shared", 300_000) }]),
    tar([{ path: "own", data: `of version ${number}` }]),
  ];
}

function put(registry: FakeRegistry, name: string, layers: readonly Uint8Array[]): void {
  const [repository = "", tag] = name.split(":");
  registry.putImage(repository, makeImage({ layers, compression: "none" }), tag);
}

const PULL = ["pull", "--json", "--jobs", "1", "--platform", "linux/amd64"];

/** A store with a borrowed image, and more of them. */
async function prepareStore(
  place: Place,
  registry: FakeRegistry,
  ...names: readonly string[]
): Promise<void> {
  for (const [index, name] of ["kept:1", ...names].entries()) {
    put(registry, name, version(index));
    await place.must(...PULL, `${registry.host}/${name}`);
  }
  await place.must("borrow", `${registry.host}/kept:1`, "--by", "somebody");
}

/** Changes rows of a store that nobody has open, behind its back. */
function changeDatabase({ store }: Place, sql: string): void {
  using database = new DatabaseSync(join(store, "siflet.db"));
  database.exec(sql);
}

async function imageOf(place: Place, name: string): Promise<string> {
  await using store = await place.open();
  return (await store.find(name, [name])).path;
}

export const OPERATIONS: readonly Operation[] = [
  {
    name: "the first pull, which makes the store",
    args: (host) => [...PULL, `${host}/first:1`],
    prepare: async ({ store }, registry) => {
      await mkdir(store);
      put(registry, "first:1", version(1));
    },
  },
  {
    name: "a pull of large layers",
    args: (host) => [...PULL, `${host}/large:1`],
    prepare: async (place, registry) => {
      await prepareStore(place, registry);
      put(registry, "large:1", LARGE);
    },
  },
  {
    name: "a pull that takes up what another one left",
    args: (host) => [...PULL, `${host}/cut:1`],
    prepare: async (place, registry) => {
      await prepareStore(place, registry);
      const image = makeImage({ layers: LARGE, compression: "none" });
      registry.putImage("cut", image, "1");
      const path = `/v2/cut/blobs/${image.layers[0]?.digest ?? ""}`;
      registry.addFault(path, { truncateAt: 15 << 20, times: 1 });
      registry.addFault(path, { status: 403, times: 1 });
      await place.run(...PULL, `${registry.host}/cut:1`);
      assert.equal((await readdir(place.partials)).length, 1);
    },
  },
  {
    name: "a pull of the next version by the tag of the last",
    args: (host) => [...PULL, `${host}/app:1`],
    prepare: async (place, registry) => {
      await prepareStore(place, registry, "app:1");
      put(registry, "app:1", version(9));
    },
  },
  {
    name: "a pull that moves a tag to an image that is there",
    args: (host) => [...PULL, `${host}/there:1`],
    prepare: async (place, registry) => {
      await prepareStore(place, registry, "there:1", "there:2");
      put(registry, "there:1", version(2));
    },
  },
  {
    name: "a removal",
    args: (host) => ["rm", `${host}/gone:1`],
    prepare: async (place, registry) => {
      await prepareStore(place, registry, "gone:1");
    },
    again: [3],
  },
  {
    name: "a prune of images and cache",
    args: () => ["prune", "--keep-bytes", "1", "--cache"],
    prepare: async (place, registry) => {
      await prepareStore(place, registry, "old:1", "old:2");
    },
  },
  {
    name: "a migration",
    args: (host) => ["pin", `${host}/kept:1`],
    prepare: async (place, registry) => {
      await prepareStore(place, registry, "app:1");
    },
    spoil: ({ store }) => {
      toFirstSchema(join(store, "siflet.db"));
    },
  },
  {
    name: "a repair",
    args: () => ["fsck", "--deep", "--repair"],
    prepare: async (place, registry) => {
      await prepareStore(place, registry, "lost:1", "cut:2", "stray:1");
    },
    spoil: async (place, host) => {
      await rm(await imageOf(place, `${host}/lost:1`));
      await truncate(await imageOf(place, `${host}/cut:2`), 5000);
      changeDatabase(
        place,
        `PRAGMA foreign_keys = ON;
         DELETE FROM image WHERE id IN (SELECT image FROM name WHERE name LIKE '%/stray:1');`,
      );
      await writeFile(join(place.store, "images", `${"ab".repeat(32)}.sif`), "damaged");
      const { partials } = place;
      await mkdir(partials, { recursive: true, mode: 0o700 });
      await writeFile(join(partials, "stale.blob"), "stale");
      await utimes(join(partials, "stale.blob"), 1, 1);
    },
    faults: ["missing-file", "wrong-size", "unowned-damaged-file", "stale-file"],
  },
  {
    name: "a repair of the database",
    args: () => ["fsck", "--repair"],
    prepare: async (place, registry) => {
      await prepareStore(place, registry, "app:1");
    },
    spoil: async ({ store }) => {
      await writeFile(join(store, "siflet.db"), "no database at all");
    },
    faults: ["database"],
  },
];
