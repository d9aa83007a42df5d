import assert from "node:assert/strict";
import { DEFAULT_LIMITS, LimitError, type ByteSource } from "../../src/base/index.ts";
import {
  FILE_SYSTEMS,
  MAX_SLOTS,
  primaryPartition,
  readObject,
  readSif,
  SifError,
  type SifDescriptor,
  type SifMetadata,
} from "../../src/sif/index.ts";
import { openSquashfs, SquashfsError } from "../../src/squashfs/index.ts";
import { never, strictSource } from "../fixtures/small-squashfs.ts";
import { fuzzTarget, type FuzzTarget } from "./fuzz-target.ts";
import { sifInput } from "./sif-inputs.ts";

const HEADER = 128;
const RECORD = 585;
const MOST_OBJECT = 4096;

/**
 * Damaged SIF files: read or refused by an error of ours, by two reads at most and none longer than
 * the longest table. What is read keeps every promise of `readSif`; the root is opened, too.
 */
export const sifTarget: FuzzTarget = fuzzTarget({
  inputs: sifInput,
  async answer(file) {
    try {
      const metadata = await readSif(twoReads(file), never);
      assertSound(metadata, file.length);
      for (const descriptor of metadata.descriptors) await readOne(file, descriptor);
      return await openRoot(file, metadata);
    } catch (error) {
      const isOurs = [SifError, SquashfsError, LimitError].some((type) => error instanceof type);
      if (isOurs && error instanceof Error && "code" in error) return String(error.code);
      throw error;
    }
  },
  show: (file) => Buffer.from(file).toString("base64"),
  batch: 1000,
});

function twoReads(file: Uint8Array): ByteSource {
  const source = strictSource(file, MAX_SLOTS * RECORD);
  let reads = 0;
  return {
    size: source.size,
    read: async (position, length) => {
      reads += 1;
      assert.ok(reads <= 2, "header and table, and nothing else");
      return await source.read(position, length);
    },
  };
}

function assertSound({ header, descriptors, overlaps }: SifMetadata, fileSize: number): void {
  const tableEnd = header.descriptorsOffset + header.descriptorsSize;
  assert.ok(header.descriptorsOffset >= HEADER && tableEnd <= fileSize);
  assert.ok(descriptors.length <= header.descriptorsTotal);
  assert.equal(new Set(descriptors.map(({ id }) => id)).size, descriptors.length, "ids twice");
  for (const { id, groupId, link, offset, size } of descriptors) {
    assert.ok(isId(id) && (groupId === undefined || groupId <= 0x0fff_ffff));
    assert.ok(link === undefined || link.kind === "group" || isId(link.id));
    assert.ok(offset + size <= fileSize);
    const isClear =
      offset >= HEADER && (offset >= tableEnd || offset + size <= header.descriptorsOffset);
    assert.ok(size === 0 || isClear, "an object over header or table");
  }
  assert.equal(overlaps.length > 0, hasOverlap(descriptors));
}

function isId(id: number): boolean {
  return id >= 1 && id <= 0x0fff_ffff;
}

/** Each with each, where `readSif` goes through them once. */
function hasOverlap(descriptors: readonly SifDescriptor[]): boolean {
  const used = descriptors.filter(({ size }) => size > 0);
  return used.some((a) =>
    used.some((b) => a !== b && a.offset < b.offset + b.size && b.offset < a.offset + a.size),
  );
}

async function readOne(file: Uint8Array, descriptor: SifDescriptor): Promise<void> {
  const { offset, size } = descriptor;
  try {
    const bytes = await readObject(strictSource(file), descriptor, MOST_OBJECT, never);
    assert.equal(Buffer.compare(bytes, file.subarray(offset, offset + size)), 0);
  } catch (error) {
    if (!(error instanceof SifError && size > MOST_OBJECT)) throw error;
  }
}

async function openRoot(file: Uint8Array, metadata: SifMetadata): Promise<string> {
  const root = primaryPartition(metadata);
  if (root === undefined) return "read, no root";
  if (root.fileSystem !== FILE_SYSTEMS.squashfs) return "read, another file system";
  const { offset, size } = root.descriptor;
  const source = strictSource(file.subarray(offset, offset + size));
  await openSquashfs(source, { limits: DEFAULT_LIMITS }, never);
  return "read";
}
