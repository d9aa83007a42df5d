import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { viewOf } from "../base/index.ts";
import { DATA_TYPES, DESCRIPTOR_BYTES, type SifLink } from "./descriptor.ts";
import { FILE_SYSTEMS, PARTITION_TYPES, partitionExtra, primaryPartition } from "./partition.ts";
import { planSif, planSifAs, type SifObjectInput } from "./plan-sif.ts";
import { readObject } from "./read-object.ts";
import { MAX_SLOTS, readSif } from "./read-sif.ts";
import { SifError } from "./sif-error.ts";
import { assemble, never, sourceOf } from "./sif-fixture.ts";

const payloads = [
  new TextEncoder().encode("bootstrap: docker\n\n"),
  new TextEncoder().encode('{"Cmd":["sh"]}'),
  new Uint8Array(4096).fill(7),
];
const objects: SifObjectInput[] = [
  { dataType: DATA_TYPES.definition, groupId: 1, size: 19 },
  { dataType: DATA_TYPES.json, groupId: 1, name: "oci-config.json", size: 14 },
  {
    dataType: DATA_TYPES.partition,
    groupId: 1,
    extra: partitionExtra({
      fileSystem: FILE_SYSTEMS.squashfs,
      partitionType: PARTITION_TYPES.primarySystem,
      architecture: "02",
    }),
    size: 4096,
  },
];
const good = assemble(planSif({ architecture: "02", objects }), payloads);

/** Where field `at` of slot `slot` stands. */
const inSlot = (slot: number, at: number): number => 4096 + slot * DESCRIPTOR_BYTES + at;

function changed(change: (bytes: Uint8Array, view: DataView) => void): Uint8Array {
  const bytes = good.slice();
  change(bytes, viewOf(bytes));
  return bytes;
}

test("readSif gives back what planSif wrote", async () => {
  const file = sourceOf(good);
  const metadata = await readSif(file, never);
  assert.deepEqual(metadata.header, {
    launch: "#!/usr/bin/env run-singularity\n",
    architecture: "02",
    uuid: "00000000-0000-0000-0000-000000000000",
    createdSeconds: undefined,
    modifiedSeconds: undefined,
    descriptorsFree: 45,
    descriptorsTotal: 48,
    descriptorsOffset: 4096,
    descriptorsSize: 28_080,
    dataOffset: 32_176,
    dataSize: 36_864 - 32_176,
    bytes: good.slice(0, 128),
  });
  assert.deepEqual(
    metadata.descriptors.map(({ id, name, offset, size, sizeWithPadding }) => [
      id,
      name,
      offset,
      size,
      sizeWithPadding,
    ]),
    [
      [1, "", 32_176, 19, 19],
      [2, "oci-config.json", 32_195, 14, 14],
      [3, "", 32_768, 4096, 4096 + 559],
    ],
  );
  assert.deepEqual(metadata.overlaps, []);
  const primary = primaryPartition(metadata);
  assert.equal(primary?.descriptor.id, 3);
  assert.equal(primary.fileSystem, FILE_SYSTEMS.squashfs);
  assert.equal(primary.architecture, "02");
  const [, config] = metadata.descriptors;
  assert.ok(config);
  assert.deepEqual(await readObject(file, config, 14, never), payloads[1]);
  await assert.rejects(readObject(file, config, 13, never), { code: "SIF_OBJECT" });
});

test("readSif reads times, uuid, links and ungrouped objects", async () => {
  const plan = planSifAs(
    {
      launch: "",
      uuid: Buffer.from("3fa802cc358b45e3bcc069dc7a45f9f8", "hex"),
      timeSeconds: 1_593_475_316n,
    },
    {
      architecture: "00",
      objects: [
        { dataType: DATA_TYPES.json, groupId: 3, size: 0 },
        {
          dataType: DATA_TYPES.signature,
          groupId: undefined,
          link: { kind: "group", id: 3 },
          size: 0,
        },
        {
          dataType: DATA_TYPES.signature,
          groupId: 3,
          link: { kind: "object", id: 1 },
          name: "n".repeat(128),
          size: 0,
        },
      ],
    },
  );
  const metadata = await readSif(sourceOf(assemble(plan)), never);
  assert.equal(metadata.header.uuid, "3fa802cc-358b-45e3-bcc0-69dc7a45f9f8");
  assert.equal(metadata.header.createdSeconds, 1_593_475_316n);
  assert.deepEqual(
    metadata.descriptors.map(({ groupId, link }) => ({ groupId, link })),
    [
      { groupId: 3, link: undefined },
      { groupId: undefined, link: { kind: "group", id: 3 } satisfies SifLink },
      { groupId: 3, link: { kind: "object", id: 1 } satisfies SifLink },
    ],
  );
  assert.equal(metadata.descriptors[2]?.name, "n".repeat(128));
  assert.equal(metadata.descriptors[2].modifiedSeconds, 1_593_475_316n);
  assert.equal(primaryPartition(metadata), undefined);
});

const readable = [
  {
    name: "a file of before September 2021: data offset 32768, padding not counted, owner noted",
    change: (_: Uint8Array, view: DataView) => {
      view.setBigInt64(112, 32_768n, true);
      view.setBigInt64(inSlot(2, 33), 4096n, true);
      view.setBigInt64(inSlot(2, 57), 1002n, true);
    },
    ids: [1, 2, 3],
  },
  {
    name: "a data size that a deleted tail left too large",
    change: (_: Uint8Array, view: DataView) => {
      view.setBigInt64(120, 1_000_000n, true);
    },
    ids: [1, 2, 3],
  },
  {
    name: "a free slot, whatever else it holds",
    change: (bytes: Uint8Array) => {
      bytes.fill(0xff, inSlot(0, 5), inSlot(1, 0));
      bytes[inSlot(0, 4)] = 0;
    },
    ids: [2, 3],
  },
  {
    name: "ids out of order",
    change: (_: Uint8Array, view: DataView) => {
      view.setUint32(inSlot(0, 5), 9, true);
    },
    ids: [9, 2, 3],
  },
  {
    name: "an empty object at the very end",
    change: (_: Uint8Array, view: DataView) => {
      view.setBigInt64(inSlot(0, 17), BigInt(good.length), true);
      view.setBigInt64(inSlot(0, 25), 0n, true);
    },
    ids: [1, 2, 3],
  },
];
for (const { name, change, ids } of readable) {
  test(`readSif reads ${name}`, async () => {
    const { descriptors } = await readSif(sourceOf(changed(change)), never);
    assert.deepEqual(
      descriptors.map(({ id }) => id),
      ids,
    );
  });
}

const int64At = (at: number, value: bigint) => (_: Uint8Array, view: DataView) => {
  view.setBigInt64(at, value, true);
};
const uint32At = (at: number, value: number) => (_: Uint8Array, view: DataView) => {
  view.setUint32(at, value, true);
};
const byteAt = (at: number, value: number) => (bytes: Uint8Array) => {
  bytes[at] = value;
};
const most = 2n ** 63n - 1n;

const refusals = [
  { name: "another magic", code: "SIF_MAGIC", change: byteAt(32, 0x73) },
  { name: "a magic that goes on", code: "SIF_MAGIC", change: byteAt(41, 0x41) },
  { name: "version 02", code: "SIF_VERSION", change: byteAt(43, 0x32) },
  { name: "version 00", code: "SIF_VERSION", change: byteAt(43, 0x30) },
  { name: "a version that goes on", code: "SIF_VERSION", change: byteAt(44, 0x31) },
  { name: "a negative number of free slots", code: "SIF_TABLE", change: int64At(80, -1n) },
  { name: "a negative number of slots", code: "SIF_TABLE", change: int64At(88, -1n) },
  { name: "more slots than the table holds", code: "SIF_TABLE", change: int64At(88, 49n) },
  {
    name: "more slots than are read",
    code: "SIF_TABLE",
    change: int64At(88, BigInt(MAX_SLOTS) + 1n),
  },
  { name: "slots without number", code: "SIF_TABLE", change: int64At(88, most) },
  { name: "a table over the header", code: "SIF_TABLE", change: int64At(96, 127n) },
  { name: "a table before the file", code: "SIF_TABLE", change: int64At(96, -4096n) },
  {
    name: "a table that ends past the file",
    code: "SIF_TABLE",
    change: int64At(96, BigInt(good.length) - 28_079n),
  },
  { name: "a table far away", code: "SIF_TABLE", change: int64At(96, 2n ** 53n - 1n) },
  { name: "a table too large for the file", code: "SIF_TABLE", change: int64At(104, 2n ** 52n) },
  { name: "a negative table size", code: "SIF_TABLE", change: int64At(104, -1n) },
  { name: "a negative data offset", code: "SIF_TABLE", change: int64At(112, -1n) },
  { name: "a data size past 2^53", code: "SIF_TABLE", change: int64At(120, most) },
  { name: "id 0", code: "SIF_OBJECT", change: uint32At(inSlot(1, 5), 0) },
  {
    name: "an id with a group's mask",
    code: "SIF_OBJECT",
    change: uint32At(inSlot(1, 5), 2 ** 28),
  },
  { name: "the same id twice", code: "SIF_OBJECT", change: uint32At(inSlot(1, 5), 1) },
  { name: "a group without its mask", code: "SIF_OBJECT", change: uint32At(inSlot(1, 9), 1) },
  {
    name: "a link with half a mask",
    code: "SIF_OBJECT",
    change: uint32At(inSlot(1, 13), 0x70000001),
  },
  { name: "a negative offset", code: "SIF_OBJECT", change: int64At(inSlot(1, 17), -1n) },
  { name: "a negative size", code: "SIF_OBJECT", change: int64At(inSlot(1, 25), -1n) },
  { name: "a negative padding", code: "SIF_OBJECT", change: int64At(inSlot(1, 33), -1n) },
  {
    name: "an object one byte past the end",
    code: "SIF_OBJECT",
    change: int64At(inSlot(2, 25), 4097n),
  },
  {
    name: "an object whose end does not fit a number",
    code: "SIF_OBJECT",
    change: int64At(inSlot(2, 25), 2n ** 53n - 1n),
  },
  {
    name: "an object far away",
    code: "SIF_OBJECT",
    change: int64At(inSlot(2, 17), 2n ** 53n - 1n),
  },
  { name: "an object over the header", code: "SIF_OBJECT", change: int64At(inSlot(1, 17), 127n) },
  { name: "an object over the table", code: "SIF_OBJECT", change: int64At(inSlot(1, 17), 4083n) },
  {
    name: "an object over the table's last byte",
    code: "SIF_OBJECT",
    change: int64At(inSlot(1, 17), 32_175n),
  },
];
for (const { name, code, change } of refusals) {
  test(`readSif refuses ${name}`, async () => {
    await assert.rejects(readSif(sourceOf(changed(change)), never), { code });
  });
}

const truncations = [
  { length: 0, code: "SIF_MAGIC" },
  { length: 127, code: "SIF_MAGIC" },
  { length: 128, code: "SIF_TABLE" },
  { length: 32_175, code: "SIF_TABLE" },
  { length: 32_176, code: "SIF_OBJECT" },
  { length: good.length - 1, code: "SIF_OBJECT" },
];
for (const { length, code } of truncations) {
  test(`readSif refuses a file cut to ${length} bytes`, async () => {
    await assert.rejects(readSif(sourceOf(good.subarray(0, length)), never), { code });
  });
}

test("readSif reports objects that share bytes", async () => {
  const overlapping = changed((_, view) => {
    view.setBigInt64(inSlot(0, 25), 40n, true); // 1 reaches over 2 to 32216
    view.setBigInt64(inSlot(2, 17), 32_200n, true); // 3 begins within 1, past the end of 2
  });
  const { overlaps } = await readSif(sourceOf(overlapping), never);
  assert.deepEqual(overlaps, [
    [1, 2],
    [1, 3],
  ]);
});

test("primaryPartition refuses a file with two of them", async () => {
  const plan = planSif({ architecture: "02", objects });
  const bytes = assemble(plan, payloads);
  bytes.copyWithin(inSlot(0, 0), inSlot(2, 0), inSlot(3, 0));
  viewOf(bytes).setUint32(inSlot(0, 5), 1, true);
  const metadata = await readSif(sourceOf(bytes), never);
  assert.throws(() => primaryPartition(metadata), { code: "SIF_OBJECT" });
});

test("readSif passes an abort on", async () => {
  const gone = AbortSignal.abort();
  await assert.rejects(readSif(sourceOf(good), gone), { name: "AbortError" });
});

async function readsOrRefuses(bytes: Uint8Array): Promise<void> {
  try {
    primaryPartition(await readSif(sourceOf(bytes), never));
  } catch (error) {
    if (!(error instanceof SifError)) throw error;
  }
}

test("readSif reads arbitrary bytes or throws SifError", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      await readsOrRefuses(bytes);
      const withMagic = new Uint8Array([...good.subarray(0, 48), ...bytes]);
      await readsOrRefuses(withMagic);
    }),
    { numRuns: 200, seed: 1 },
  );
});

test("readSif reads mutated files or throws SifError", async () => {
  const place = fc.oneof(
    fc.integer({ min: 0, max: 127 }),
    fc.integer({ min: 4096, max: 4096 + 4 * DESCRIPTOR_BYTES }),
  );
  const edits = fc.array(fc.tuple(place, fc.uint8Array({ minLength: 1, maxLength: 8 })), {
    minLength: 1,
    maxLength: 6,
  });
  await fc.assert(
    fc.asyncProperty(edits, async (list) => {
      await readsOrRefuses(
        changed((bytes) => {
          for (const [at, value] of list) bytes.set(value, at);
        }),
      );
    }),
    { numRuns: 300, seed: 2 },
  );
});
