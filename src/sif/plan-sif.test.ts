import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { goArchCode } from "./architecture.ts";
import { DATA_TYPES } from "./descriptor.ts";
import { UNSET_SECONDS } from "./field.ts";
import { FILE_SYSTEMS, PARTITION_TYPES, partitionExtra } from "./partition.ts";
import { planSif, planSifAs, type SifIdentity, type SifObjectInput } from "./plan-sif.ts";
import { assemble } from "./sif-fixture.ts";

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const int32s = (...values: number[]): Uint8Array => new Uint8Array(Int32Array.from(values).buffer);

/** What the reference's library writes when nothing is asked of it. */
const plain: SifIdentity = { launch: "", uuid: new Uint8Array(16), timeSeconds: UNSET_SECONDS };

const json: SifObjectInput = {
  dataType: DATA_TYPES.json,
  groupId: 1,
  name: "data.json",
  size: 2,
};
const system: SifObjectInput = {
  dataType: DATA_TYPES.partition,
  groupId: 1,
  extra: partitionExtra({
    fileSystem: FILE_SYSTEMS.raw,
    partitionType: PARTITION_TYPES.system,
    architecture: "01",
  }),
  size: 4,
};
const primary: SifObjectInput = {
  dataType: DATA_TYPES.partition,
  groupId: 1,
  extra: partitionExtra({
    fileSystem: FILE_SYSTEMS.squashfs,
    partitionType: PARTITION_TYPES.primarySystem,
    architecture: "01",
  }),
  size: 4096,
};
const ext3: SifObjectInput = {
  dataType: DATA_TYPES.partition,
  groupId: 2,
  extra: partitionExtra({
    fileSystem: FILE_SYSTEMS.ext3,
    partitionType: PARTITION_TYPES.system,
    architecture: "02",
  }),
  size: 262_144,
};
const braces = text("{}");

/**
 * Files of sylabs/sif's test corpus (sif.md §2.7), rebuilt from their description. `sha256` is that
 * of the published file; where its payload is not ours to carry, of its first 32176 bytes.
 */
const corpus = [
  {
    file: "empty.sif",
    size: 32_176,
    sha256: "1987d6041b278a3a87810475ce3bbe5416bc0301471c29c1e2f020579a61f815",
  },
  {
    file: "empty-id.sif",
    identity: { uuid: Buffer.from("3fa802cc358b45e3bcc069dc7a45f9f8", "hex") },
    size: 32_176,
    sha256: "e69ae87e8234646a5cea26af912dbdf40e28b8ac4917f591eb66f94af3073b6e",
  },
  {
    file: "empty-launch-script.sif",
    identity: { launch: "#!/usr/bin/env run-script\n" },
    size: 32_176,
    sha256: "c403ae5756610316b5a138386ae6fbbf052e5c3d21579c1f0c77066ec84fc2a1",
  },
  {
    file: "one-object-time.sif",
    identity: { timeSeconds: 1_593_475_316n },
    objects: [json],
    payloads: [braces],
    size: 32_178,
    sha256: "848041a0fab06236b18b55b4bf1f9df4763033b0494f80bcb566e1ba03476140",
  },
  {
    file: "one-object-generic-json.sif",
    objects: [json],
    payloads: [braces],
    size: 32_178,
    sha256: "710a9262f63f5fbde75973110767922d42fdf26673ed19c6093b44da0fcbbef9",
  },
  {
    file: "one-object-crypt-message.sif",
    objects: [{ dataType: DATA_TYPES.cryptoMessage, groupId: 1, extra: int32s(1, 0x100), size: 4 }],
    payloads: [Uint8Array.of(0xfe, 0xfe, 0xf0, 0xf0)],
    size: 32_180,
    sha256: "da3d848c3b6fe26ee6340cdc731865c9d273a233cddb62794aecd132bfea71a4",
  },
  {
    file: "one-object-sbom.sif",
    objects: [{ dataType: DATA_TYPES.sbom, groupId: 1, extra: int32s(1), size: 454 }],
    size: 32_630,
    headSha256: "adcfb888497d5c24aa393f7539970ae465dd415b4a177dcd5f606dc8fc93d7fb",
  },
  {
    file: "one-object-oci-root-index.sif",
    objects: [
      {
        dataType: DATA_TYPES.ociRootIndex,
        groupId: 1,
        extra: text("sha256:2dc692f0dcaf7e3cb30db2d5d61004e4319f13db84331b65f066481c0f94cffb"),
        size: 706,
      },
    ],
    size: 32_882,
    headSha256: "f86fd6fe4c56e13a98363a086b54117bd181d229a5b1ff2aa2124e6e54943af7",
  },
  {
    file: "one-object-oci-blob.sif",
    objects: [
      {
        dataType: DATA_TYPES.ociBlob,
        groupId: 1,
        extra: text("sha256:a88b15e95042f7d5a1327c03c57e10bdc1cf5f5efc2968fc73c12b6f5b00c731"),
        size: 847,
      },
    ],
    size: 33_023,
    headSha256: "15b106dc9df5c273a376eed4f86b38b5ff77b08d44ced04f26ef314da5c2ef14",
  },
  {
    file: "one-group.sif",
    architecture: "01",
    objects: [system, primary],
    offsets: [32_768, 36_864],
    paddings: [592, 4092],
    size: 40_960,
    headSha256: "7018cc4b1fe57613364dd66d3714ebffda466c6bfe7b77333c501ea3262e4bf5",
  },
  {
    file: "two-groups.sif",
    architecture: "01",
    objects: [system, primary, ext3],
    offsets: [32_768, 36_864, 40_960],
    paddings: [592, 4092, 0],
    size: 303_104,
    headSha256: "5a87f8beca8941949e08dd8fc23d655100895f06b0df17e8f6defcafa054c1c3",
  },
];

for (const row of corpus) {
  test(`planSif can make ${row.file} of the reference's corpus`, () => {
    const plan = planSifAs(
      { ...plain, ...row.identity },
      { architecture: row.architecture ?? "00", objects: row.objects ?? [] },
    );
    assert.equal(plan.size, row.size);
    if (row.offsets !== undefined) {
      assert.deepEqual(
        plan.objects.map(({ offset }) => offset),
        row.offsets,
      );
      assert.deepEqual(
        plan.objects.map(({ padding }) => padding),
        row.paddings,
      );
    }
    if (row.headSha256 !== undefined) assert.equal(sha256(plan.head), row.headSha256);
    if (row.sha256 !== undefined) assert.equal(sha256(assemble(plan, row.payloads)), row.sha256);
  });
}

test("planSif writes the deterministic header with the launch line", () => {
  const { head } = planSif({ architecture: "01", objects: [json, primary] });
  const expected = new Uint8Array(128);
  expected.set(text("#!/usr/bin/env run-singularity\n"));
  expected.set(text("SIF_MAGIC\u000001\u000001\u0000"), 32);
  const unset = "00096e88f1ffffff";
  const numbers = [46n, 48n, 4096n, 28_080n, 32_176n, 36_864n - 32_176n];
  expected.set(Buffer.from(unset + unset, "hex"), 64);
  expected.set(new Uint8Array(BigInt64Array.from(numbers).buffer), 80);
  assert.deepEqual(head.subarray(0, 128), expected);
  assert.equal(head.length, 32_176);
});

// sif.md §1.6: hash of launch, magic, version and uuid, as signatures cover it.
test("planSif's header has the integrity digest of the specification's vector", () => {
  const { head } = planSif({ architecture: "00", objects: [] });
  const covered = new Uint8Array([...head.subarray(0, 45), ...head.subarray(48, 64)]);
  assert.equal(sha256(covered), "af9cf3e1f6cbb3530f08af0a25582fb2e54be6da9b9538bb6278aed7b6e2686f");
});

const capacities = [
  { objects: 0, capacity: 48 },
  { objects: 40, capacity: 48 },
  { objects: 41, capacity: 49 },
  { objects: 200, capacity: 208 },
];
for (const { objects, capacity } of capacities) {
  test(`planSif has ${capacity} slots for ${objects} objects`, () => {
    const plan = planSif({
      architecture: "00",
      objects: Array<SifObjectInput>(objects).fill(json),
    });
    assert.equal(plan.head.length, 4096 + 585 * capacity);
    assert.equal(plan.size, plan.head.length + 2 * objects);
  });
}

const mistakes = [
  { name: "an architecture but no primary partition", architecture: "02", objects: [json] },
  { name: "another architecture than the primary's", architecture: "02", objects: [primary] },
  { name: "two primary partitions", architecture: "01", objects: [primary, primary] },
  {
    name: "a name of 129 bytes",
    architecture: "00",
    objects: [{ ...json, name: "n".repeat(129) }],
  },
  {
    name: "an extra field of 385 bytes",
    architecture: "00",
    objects: [{ ...json, extra: new Uint8Array(385) }],
  },
  {
    name: "a group past the mask",
    architecture: "00",
    objects: [{ ...json, groupId: 0x10000000 }],
  },
] as const;
for (const { name, architecture, objects } of mistakes) {
  test(`planSif refuses ${name}`, () => {
    assert.throws(() => planSif({ architecture, objects }));
  });
}

test("partitionExtra is eleven bytes of little-endian numbers and a code", () => {
  const extra = partitionExtra({
    fileSystem: FILE_SYSTEMS.squashfs,
    partitionType: PARTITION_TYPES.primarySystem,
    architecture: goArchCode("arm64", "v8"),
  });
  assert.deepEqual(extra, Uint8Array.of(1, 0, 0, 0, 2, 0, 0, 0, 0x30, 0x34, 0));
});
