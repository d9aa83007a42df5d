import assert from "node:assert/strict";
import { mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { inflateSync, zstdDecompressSync } from "node:zlib";
import { ByteBudget, DEFAULT_LIMITS, type Limits } from "../base/index.ts";
import {
  BLOCK_COMPRESSORS,
  CODECS,
  CompressorPool,
  RAW_BLOCK,
  storedBytes,
} from "../codec/index.ts";
import type { Compression } from "../image/index.ts";
import type { TarEntry } from "../layers/index.ts";
import { BatchBuffers } from "./batch-buffers.ts";
import { readLayerRecords, type LayerRecord } from "./layer-record.ts";
import { PackBuilder } from "./pack-builder.ts";
import { PackWriter } from "./pack-writer.ts";
import { Pack } from "./pack.ts";

/** Bytes, or a hole of that many zeros that the archive does not store. */
type Piece = Uint8Array | number;

interface File {
  readonly name: string;
  readonly pieces: readonly Piece[];
}

const B = CODECS.gzip.blockSize;

const files: readonly File[] = [
  { name: "empty", pieces: [] },
  { name: "one byte", pieces: [noise(1)] },
  { name: "half a block", pieces: [noise(B / 2)] },
  { name: "half a block and one", pieces: [text(B / 2 + 1)] },
  { name: "a block less one", pieces: [text(B - 1)] },
  { name: "a block", pieces: [noise(B)] },
  { name: "a block and one", pieces: [text(B + 1)] },
  { name: "several blocks", pieces: [text(5 * B), noise(B), text(17)] },
  { name: "small and zero", pieces: [new Uint8Array(1000)] },
  { name: "a block of zeros in the middle", pieces: [text(B), new Uint8Array(B), text(B)] },
  { name: "zeros at the end", pieces: [text(B), new Uint8Array(B + 5)] },
  { name: "zeros alone", pieces: [new Uint8Array(3 * B + 1)] },
  { name: "a hole in the middle", pieces: [noise(10), 10 * B, noise(10)] },
  { name: "a hole at the end", pieces: [noise(B + 10), 2 * B] },
  { name: "a hole at the start", pieces: [2 * B + 3, noise(10)] },
  { name: "a hole alone", pieces: [7 * B + 9] },
  { name: "a small hole", pieces: [noise(3), 500, noise(4)] },
  { name: "many holes", pieces: [B, noise(B), B, noise(B), 2 * B, noise(1)] },
  ...Array.from({ length: 60 }, (_, i) => ({ name: `tail ${i}`, pieces: [text(3000 + i * 97)] })),
];

for (const compression of ["gzip", "zstd"] as const) {
  describe(`packs with ${compression}`, () => {
    test("every file is read back as it was written", async (t) => {
      const path = await writePack(t, files, { compression, jobs: 2, chunk: 70_001 });
      using pack = new Pack(path);
      const records = recordsOf(pack);
      assert.equal(records.length, files.length);
      for (const [index, record] of records.entries()) {
        const file = files[index];
        assert.ok(file !== undefined);
        assert.equal(Buffer.from(record.path).toString(), file.name);
        const content = contentOf(pack, record, compression);
        assert.ok(content.equals(joined(file.pieces)), file.name);
      }
    });

    test("the pack is the same whatever the jobs and the chunks", async (t) => {
      const packs = await Promise.all(
        [
          { jobs: 1, chunk: 1 << 20 },
          { jobs: 3, chunk: 8191 },
        ].map(async (how) => await readFile(await writePack(t, files, { compression, ...how }))),
      );
      assert.ok(packs[0]?.equals(packs[1] ?? Buffer.alloc(0)));
    });
  });
}

test("zeros and holes take no room, and tails share blocks", async (t) => {
  const path = await writePack(t, files, { compression: "gzip", jobs: 1, chunk: 65_536 });
  using pack = new Pack(path);
  const byName = new Map(recordsOf(pack).map((r) => [Buffer.from(r.path).toString(), r.data]));
  for (const name of ["small and zero", "zeros alone", "a hole alone"]) {
    const data = byName.get(name);
    assert.ok(data?.kind === "blocks", name);
    assert.equal(data.runs?.[0], 0, `${name} begins with no stored block`);
    assert.equal(data.runs.length, 2, `${name} is one hole`);
  }
  assert.equal(byName.get("a block")?.kind, "blocks");
  assert.equal(byName.get("one byte")?.kind, "fragment");
  const tails = [...byName].filter(([name]) => name.startsWith("tail "));
  const blocks = new Set(tails.map(([, data]) => (data.kind === "fragment" ? data.fragment : -1)));
  assert.ok(!blocks.has(-1) && blocks.size < 10, `${tails.length} tails in ${blocks.size} blocks`);
  const sizes = pack.fragments.filter((_, index) => index % 2 === 1);
  assert.ok(sizes.every((size) => size <= B));
});

test("a terabyte of holes is a few bytes", async (t) => {
  const path = await writePack(t, [{ name: "huge", pieces: [2 ** 40, noise(1)] }], {
    compression: "gzip",
    jobs: 1,
    chunk: 65_536,
  });
  assert.ok((await readFile(path)).length < 1000);
});

test("every flipped byte of a pack is found by whoever reads it whole", async (t) => {
  const few = files.slice(0, 4);
  const path = await writePack(t, few, { compression: "gzip", jobs: 1, chunk: 65_536 });
  const good = await readFile(path);
  const step = Math.max(1, Math.floor(good.length / 400));
  const positions = Array.from({ length: Math.ceil(good.length / step) }, (_, i) => i * step);
  const last = Array.from({ length: 200 }, (_, i) => good.length - 1 - i);
  for (const position of [...positions, ...last]) {
    const bad = Buffer.from(good);
    bad.writeUInt8(bad.readUInt8(position) ^ 0x40, position);
    await writeFile(path, bad);
    assert.throws(
      () => {
        readWhole(path);
      },
      { code: "PACK_DAMAGED" },
      `byte ${position}`,
    );
  }
});

test("a pack that was cut short, or is none, is refused", async (t) => {
  const path = await writePack(t, files.slice(0, 3), { compression: "gzip", jobs: 1, chunk: 9 });
  const good = await readFile(path);
  for (const length of [0, 10, 16, Math.floor(good.length / 2), good.length - 1]) {
    await writeFile(path, good.subarray(0, length));
    assert.throws(
      () => {
        readWhole(path);
      },
      { code: "PACK_DAMAGED" },
      `${length} bytes`,
    );
  }
});

test("a layer with more entries than the limit is refused", async (t) => {
  await assert.rejects(
    writePack(t, files, { compression: "gzip", jobs: 1, chunk: 65_536, limits: { entries: 3 } }),
    { code: "LIMIT_ENTRIES" },
  );
});

test("a layer whose files are longer than the limit, holes included, is refused", async (t) => {
  const logicalBytes = 8 * B;
  const how = { compression: "gzip", jobs: 1, chunk: 65_536, limits: { logicalBytes } } as const;
  const fits = [
    { name: "a", pieces: [5 * B] },
    { name: "b", pieces: [noise(3), 3 * B - 3] },
  ];
  await writePack(t, fits, how);
  const more = [...fits, { name: "c", pieces: [1] }];
  await assert.rejects(writePack(t, more, how), { code: "LIMIT_LOGICAL_BYTES" });
  const huge = [{ name: "huge", pieces: [Number.MAX_SAFE_INTEGER] }];
  await assert.rejects(writePack(t, huge, { ...how, limits: {} }), { code: "LIMIT_LOGICAL_BYTES" });
});

test("holes are counted where data shares their block, and nowhere else", async (t) => {
  const rows = [
    { pieces: [5 * B + 7], counted: 0 },
    { pieces: [noise(1), 5 * B - 1], counted: B - 1 },
    { pieces: [B + 3, noise(B - 3), 2 * B], counted: 3 },
    { pieces: [2 * B, noise(1), 9], counted: 9 },
    { pieces: [noise(1), 99], counted: 99 },
  ];
  for (const { pieces, counted } of rows) {
    let bytes = 0;
    const count = (more: number): void => void (bytes += more);
    const how = { compression: "gzip", jobs: 1, chunk: 65_536, count } as const;
    await writePack(t, [{ name: "f", pieces }], how);
    assert.equal(bytes, counted);
  }
});

function readWhole(path: string): void {
  using pack = new Pack(path);
  for (const record of recordsOf(pack)) contentOf(pack, record, "gzip");
}

interface How {
  readonly compression: Compression;
  readonly jobs: number;
  /** Bytes that are handed over at once. */
  readonly chunk: number;
  readonly limits?: Partial<Limits>;
  readonly count?: (bytes: number) => void;
}

async function writePack(t: TestContext, list: readonly File[], how: How): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "siflet-pack-"));
  t.after(async () => {
    await rm(directory, { recursive: true });
  });
  const path = join(directory, "pack");
  const settings = CODECS[how.compression];
  await using pool = new CompressorPool(
    { settings, compressors: BLOCK_COMPRESSORS },
    { jobs: how.jobs, checksCodec: false },
  );
  await using file = await open(path, "wx");
  const builder = new PackBuilder({
    settings,
    pool,
    buffers: new BatchBuffers(2, new ByteBudget(2 ** 30)),
    writer: new PackWriter(file),
    limits: { ...DEFAULT_LIMITS, ...how.limits },
    diffId: `sha256:${"d".repeat(64)}`,
    what: "test layer",
    warn: () => undefined,
    count: how.count ?? (() => undefined),
  });
  try {
    for (const { name, pieces } of list) {
      builder.entry(fileEntry(name, joinedLength(pieces)));
      for (const piece of pieces) {
        if (typeof piece === "number") builder.hole(piece);
        else {
          for (let at = 0; at < piece.length; at += how.chunk) {
            builder.data(piece.subarray(at, at + how.chunk));
          }
        }
        await builder.drain();
      }
      builder.end();
    }
    await builder.finish();
  } catch (error) {
    await builder.abandon();
    throw error;
  }
  return path;
}

function fileEntry(name: string, size: number): TarEntry {
  return {
    kind: "file",
    path: Buffer.from(name),
    mode: 0o644,
    uid: 1000,
    gid: 1000,
    mtime: 1_700_000_000,
    size,
    linkTarget: new Uint8Array(0),
    deviceMajor: 0,
    deviceMinor: 0,
    xattrs: [{ name: Buffer.from("user.a"), value: Buffer.from([0, 1]) }],
  };
}

function recordsOf(pack: Pack): LayerRecord[] {
  return [...pack.log()].flatMap((log) => [...readLayerRecords(log)]);
}

function contentOf(pack: Pack, { data, size }: LayerRecord, compression: Compression): Buffer {
  const { blockSize } = CODECS[compression];
  switch (data.kind) {
    case "empty":
      return Buffer.alloc(0);
    case "fragment": {
      const block = pack.fragments[data.fragment * 2] ?? -1;
      return readBlock(pack, block, compression).subarray(data.offset, data.offset + size);
    }
    case "blocks": {
      const runs = data.runs ?? [Math.ceil(size / blockSize)];
      const parts: Buffer[] = [];
      let block = data.firstBlock;
      let left = size;
      runs.forEach((count, index) => {
        for (let done = 0; done < count; done += 1) {
          const length = Math.min(blockSize, left);
          parts.push(
            index % 2 === 1 ? Buffer.alloc(length) : readBlock(pack, block++, compression),
          );
          left -= length;
        }
      });
      return Buffer.concat(parts);
    }
  }
}

function readBlock(pack: Pack, block: number, compression: Compression): Buffer {
  const code = pack.sizes[block] ?? 0;
  const into = Buffer.alloc(storedBytes(code));
  assert.deepEqual(pack.readBlocks(block, 1, into), { blocks: 1, bytes: into.length });
  if ((code & RAW_BLOCK) !== 0) return into;
  return compression === "gzip" ? inflateSync(into) : zstdDecompressSync(into);
}

function joined(pieces: readonly Piece[]): Buffer {
  return Buffer.concat(pieces.map((p) => (typeof p === "number" ? Buffer.alloc(p) : p)));
}

function joinedLength(pieces: readonly Piece[]): number {
  return pieces.reduce<number>((sum, p) => sum + (typeof p === "number" ? p : p.length), 0);
}

/** Bytes that do not compress, the same at every run. */
function noise(length: number): Uint8Array {
  let state = 0x1234_5678 ^ length;
  return Uint8Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 24;
  });
}

function text(length: number): Uint8Array {
  return Buffer.alloc(length, `line ${length} of a file that compresses\n`);
}
