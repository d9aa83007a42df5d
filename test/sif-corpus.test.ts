import assert from "node:assert/strict";
import { test } from "node:test";
import {
  DATA_TYPES,
  FILE_SYSTEMS,
  PARTITION_TYPES,
  partitionExtra,
  readSif,
} from "../src/sif/index.ts";
import { planSifAs, type SifIdentity, type SifObjectInput } from "../src/sif/plan-sif.ts";
import { addSignature, never, sourceOf } from "../src/signing/signing-fixture.ts";

// The public files that readers of SIF are tried with, made again from their descriptions (sif.md §2.7): each
// has the size that is published, and says of itself what it shall.

const UNSET = -62_135_596_800n;
const NIL = new Uint8Array(16);
const LAUNCH = "#!/usr/bin/env run-singularity\n";
const IDENTITY: SifIdentity = { launch: "", uuid: NIL, timeSeconds: UNSET };

const raw = (size: number, more: Partial<SifObjectInput> = {}): SifObjectInput => ({
  dataType: DATA_TYPES.raw,
  groupId: 1,
  size,
  ...more,
});
/** int32 format and int32 message: PEM and RSA-OAEP. */
const cryptoExtra = Uint8Array.of(2, 0, 0, 0, 0, 2, 0, 0);
const digestExtra = Buffer.from(`sha256:${"1".repeat(64)}`);
const system = raw(4, {
  dataType: DATA_TYPES.partition,
  extra: partitionExtra({
    fileSystem: FILE_SYSTEMS.raw,
    partitionType: PARTITION_TYPES.system,
    architecture: "01",
  }),
});
const primary = raw(4096, {
  dataType: DATA_TYPES.partition,
  extra: partitionExtra({
    fileSystem: FILE_SYSTEMS.squashfs,
    partitionType: PARTITION_TYPES.primarySystem,
    architecture: "01",
  }),
});
const overlay = raw(262_144, {
  dataType: DATA_TYPES.partition,
  groupId: 2,
  extra: partitionExtra({
    fileSystem: FILE_SYSTEMS.ext3,
    partitionType: PARTITION_TYPES.overlay,
    architecture: "01",
  }),
});

interface CorpusFile {
  readonly name: string;
  readonly bytes: number;
  readonly identity?: Partial<SifIdentity>;
  readonly objects?: readonly SifObjectInput[];
  /** Of each object. */
  readonly offsets?: readonly number[];
  readonly paddings?: readonly number[];
}

const ONE_GROUP = [system, primary];
const TWO_GROUPS = [...ONE_GROUP, overlay];
const uuid = Buffer.from("3fa802cc358b45e3bcc069dc7a45f9f8", "hex");

const corpus: readonly CorpusFile[] = [
  { name: "empty", bytes: 32_176 },
  { name: "empty-id", bytes: 32_176, identity: { uuid } },
  { name: "empty-launch-script", bytes: 32_176, identity: { launch: LAUNCH } },
  {
    name: "one-object-time",
    bytes: 32_178,
    identity: { timeSeconds: 1_593_475_316n },
    objects: [raw(2)],
  },
  {
    name: "one-object-generic-json",
    bytes: 32_178,
    objects: [raw(2, { dataType: DATA_TYPES.json, name: "data.json" })],
    offsets: [32_176],
  },
  {
    name: "one-object-crypt-message",
    bytes: 32_180,
    objects: [raw(4, { dataType: DATA_TYPES.cryptoMessage, extra: cryptoExtra })],
  },
  {
    name: "one-object-sbom",
    bytes: 32_630,
    objects: [raw(454, { dataType: DATA_TYPES.sbom, extra: Uint8Array.of(1, 0, 0, 0) })],
  },
  {
    name: "one-object-oci-root-index",
    bytes: 32_882,
    objects: [raw(706, { dataType: DATA_TYPES.ociRootIndex, extra: digestExtra })],
  },
  {
    name: "one-object-oci-blob",
    bytes: 33_023,
    objects: [raw(847, { dataType: DATA_TYPES.ociBlob, extra: digestExtra })],
  },
  {
    name: "one-group",
    bytes: 40_960,
    identity: { launch: LAUNCH },
    objects: ONE_GROUP,
    offsets: [32_768, 36_864],
    paddings: [596, 8188],
  },
  { name: "two-groups", bytes: 303_104, identity: { launch: LAUNCH }, objects: TWO_GROUPS },
];

function make({ identity, objects = [] }: CorpusFile): Uint8Array {
  const architecture = objects.includes(primary) ? "01" : "00";
  const plan = planSifAs({ ...IDENTITY, ...identity }, { architecture, objects });
  const bytes = new Uint8Array(plan.size);
  bytes.set(plan.head);
  return bytes;
}

for (const file of corpus) {
  test(`${file.name}.sif is ${file.bytes} bytes, and says what it shall`, async () => {
    const { identity = {}, objects = [], offsets, paddings } = file;
    const bytes = make(file);
    assert.equal(bytes.length, file.bytes);
    const { header, descriptors } = await readSif(sourceOf(bytes), never);
    assert.equal(header.launch, identity.launch ?? "");
    assert.equal(
      header.uuid.replaceAll("-", ""),
      Buffer.from(identity.uuid ?? NIL).toString("hex"),
    );
    assert.deepEqual(
      [header.createdSeconds, header.modifiedSeconds],
      [identity.timeSeconds, identity.timeSeconds],
    );
    assert.equal(header.architecture, objects.includes(primary) ? "01" : "00");
    assert.deepEqual(
      descriptors.map(({ id, dataType, groupId, name, size, link }) => ({
        id,
        dataType,
        groupId,
        name,
        size,
        link,
      })),
      objects.map(({ dataType, groupId, name = "", size }, index) => ({
        id: index + 1,
        dataType,
        groupId,
        name,
        size,
        link: undefined,
      })),
    );
    for (const [index, { extra }] of descriptors.entries()) {
      const expected = new Uint8Array(384);
      expected.set(objects[index]?.extra ?? new Uint8Array(0));
      assert.deepEqual(Buffer.from(extra), Buffer.from(expected));
    }
    if (offsets !== undefined)
      assert.deepEqual(
        descriptors.map(({ offset }) => offset),
        offsets,
      );
    if (paddings !== undefined) {
      assert.deepEqual(
        descriptors.map(({ sizeWithPadding }) => sizeWithPadding),
        paddings,
      );
    }
  });
}

/** Signed files: bytes of each signature by the published sizes, and the group that it is for. */
const signed = [
  { name: "one-group-signed-pgp", bytes: 42_008, base: "one-group", signatures: [[1048, 1]] },
  { name: "one-group-signed-dsse", bytes: 42_654, base: "one-group", signatures: [[1694, 1]] },
  {
    name: "two-groups-signed-pgp",
    bytes: 305_001,
    base: "two-groups",
    signatures: [
      [1048, 1],
      [849, 2],
    ],
  },
  {
    name: "two-groups-signed-dsse",
    bytes: 306_224,
    base: "two-groups",
    signatures: [
      [1694, 1],
      [1426, 2],
    ],
  },
] as const;

for (const { name, bytes, base, signatures } of signed) {
  test(`${name}.sif is ${bytes} bytes: signatures stand right behind the last object`, async () => {
    const file = corpus.find((one) => one.name === base);
    assert.ok(file !== undefined);
    let made = make(file);
    const end = made.length;
    for (const [size, id] of signatures) {
      made = await addSignature(made, { text: " ".repeat(size), link: { kind: "group", id } });
    }
    assert.equal(made.length, bytes);
    const { header, descriptors } = await readSif(sourceOf(made), never);
    const found = descriptors.filter(({ dataType }) => dataType === DATA_TYPES.signature);
    assert.deepEqual(
      found.map(({ offset, size, groupId, link }) => [offset, size, groupId, link?.kind, link?.id]),
      signatures.map(([size, id], index) => [
        end + signatures.slice(0, index).reduce((sum, [before]) => sum + before, 0),
        size,
        undefined,
        "group",
        id,
      ]),
    );
    assert.equal(header.dataOffset + header.dataSize, bytes);
  });
}
