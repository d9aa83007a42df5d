import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, open, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { DEFAULT_LIMITS } from "../../src/base/index.ts";
import { Conversion, type ConvertedImage } from "../../src/convert/index.ts";
import { parseDigest, type Compression } from "../../src/image/index.ts";
import { paxRecords, tarEnd, tarEntry, tarHeader } from "../fixtures/tar/index.ts";
import { noiseBytes, run, withKernelMount } from "../real/index.ts";

/** A layer whose tar stream is made while it is read, twice: to be hashed and to be converted. */
type Layer = () => Iterable<Uint8Array>;

describe("images at the edge of what a layer can hold", () => {
  test("a file of 5 GB", async (t) => {
    const size = 5_000_000_000;
    const piece = Buffer.concat([noiseBytes("piece", 500_000), Buffer.alloc(500_000, "text ")]);
    const image = await convert(t, [() => largeFile(size, piece)], "zstd");
    await withKernelMount(image.path, image.partition, async (root) => {
      assert.equal((await stat(join(root, "large"))).size, size);
      const expected = createHash("sha256");
      for (let at = 0; at < size; at += piece.length) expected.update(piece);
      const hash = createHash("sha256");
      await using file = await open(join(root, "large"), "r");
      for await (const chunk of file.createReadStream({ highWaterMark: 1 << 20 })) {
        hash.update(chunk as Buffer);
      }
      assert.equal(hash.digest("hex"), expected.digest("hex"));
    });
  });

  test("a sparse file of 1 TiB", async (t) => {
    const image = await convert(t, [() => sparseFile(2 ** 40)], "gzip");
    assert.ok(image.size < 4_000_000, `${image.size} bytes`);
    await withKernelMount(image.path, image.partition, async (root) => {
      await using file = await open(join(root, "sparse"), "r");
      const end = Buffer.alloc(8);
      await file.read(end, 0, 8, 2 ** 40 - 8);
      assert.equal(end.toString(), "the end.");
    });
  });

  test("500,000 files", async (t) => {
    const image = await convert(t, [() => manyFiles(500, 1000)], "gzip");
    assert.ok(image.files > 500_500);
    const listing = await run("unsquashfs", [
      ...["-o", String(image.partition.offset), "-lc", image.path, "d499"],
    ]);
    assert.equal(listing.trim().split("\n").length, 1000);
  });

  test("a directory of 100,000 entries is found in by name", async (t) => {
    const image = await convert(t, [() => manyFiles(1, 100_000)], "gzip");
    await withKernelMount(image.path, image.partition, async (root) => {
      for (let index = 0; index < 100_000; index += 997) {
        const { size } = await stat(join(root, "d0", `file-${index}`));
        assert.equal(size, String(index).length);
      }
    });
  });

  test("120 layers, each with a file and a whiteout of the one before", async (t) => {
    const layers = Array.from({ length: 120 }, (_, index): Layer => {
      return function* () {
        yield tarEntry({ path: `layer-${index}`, data: `${index}` });
        yield tarEntry({ path: "shared", data: `${index}` });
        if (index % 2 === 1) yield tarEntry({ path: `.wh.layer-${index - 1}` });
        yield tarEnd();
      };
    });
    const image = await convert(t, layers, "gzip");
    await withKernelMount(image.path, image.partition, async (root) => {
      const names = (await run("ls", [root])).split("\n").filter((name) => /^layer-/.test(name));
      assert.equal(names.length, 60);
    });
  });
});

function* largeFile(size: number, piece: Uint8Array): Iterable<Uint8Array> {
  const record = paxRecords({ size: String(size) });
  yield tarEntry({ path: "PaxHeaders/x", type: "x", data: record });
  yield tarHeader({ path: "large", size: 0 });
  for (let at = 0; at < size; at += piece.length) yield piece.subarray(0, size - at);
  yield new Uint8Array((512 - (size % 512)) % 512);
  yield tarEnd();
}

function* sparseFile(size: number): Iterable<Uint8Array> {
  const end = Buffer.from("the end.");
  yield tarEntry({
    path: "sparse",
    data: end,
    pax: {
      "GNU.sparse.major": "0",
      "GNU.sparse.minor": "1",
      "GNU.sparse.name": "sparse",
      "GNU.sparse.size": String(size),
      "GNU.sparse.numblocks": "1",
      "GNU.sparse.map": `${size - end.length},${end.length}`,
    },
  });
  yield tarEnd();
}

function* manyFiles(directories: number, each: number): Iterable<Uint8Array> {
  for (let directory = 0; directory < directories; directory += 1) {
    const entries = Array.from({ length: each }, (_, index) =>
      tarEntry({ path: `d${directory}/file-${index}`, data: String(index) }),
    );
    yield Buffer.concat(entries);
  }
  yield tarEnd();
}

async function convert(
  t: TestContext,
  layers: readonly Layer[],
  compression: Compression,
): Promise<ConvertedImage & { readonly path: string }> {
  const directory = await mkdtemp(join(tmpdir(), "siflet-extremes-"));
  t.after(async () => {
    await rm(directory, { recursive: true, force: true });
  });
  const signal = new AbortController().signal;
  await using conversion = new Conversion({
    compression,
    jobs: 2,
    limits: DEFAULT_LIMITS,
    warn: () => undefined,
  });
  for (const [index, layer] of layers.entries()) {
    const hash = createHash("sha256");
    let size = 0;
    for (const chunk of layer()) {
      hash.update(chunk);
      size += chunk.length;
    }
    const digest = parseDigest(`sha256:${hash.digest("hex")}`);
    const task = {
      what: `layer ${index}`,
      digest,
      diffId: digest,
      size,
      mediaType: "application/vnd.oci.image.layer.v1.tar",
      packPath: join(directory, `${index}.pack`),
      spool: undefined,
    };
    await conversion.convertLayer(task, streamed(layer), () => undefined, signal);
  }
  const path = join(directory, "image.sif");
  const image = await conversion.assemble(
    {
      packPaths: layers.map((_, index) => join(directory, `${index}.pack`)),
      additionsPath: join(directory, "additions.pack"),
      outputPath: path,
      config: {},
      architecture: "amd64",
      variant: "",
      rootOwns: false,
      layout: "runtime",
    },
    () => undefined,
    signal,
  );
  t.diagnostic(
    `peak memory of this process so far: ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB`,
  );
  return { ...image, path };
}

async function* streamed(layer: Layer): AsyncIterable<Uint8Array> {
  for (const chunk of layer()) {
    await Promise.resolve();
    yield chunk;
  }
}
