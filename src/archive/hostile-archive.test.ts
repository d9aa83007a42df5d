import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { rename, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { dockerFiles, tarOf, type ArchiveContent } from "../../test/fixtures/archive/index.ts";
import { digestOf, makeImage } from "../../test/fixtures/registry/index.ts";
import { sparseItem, tar, tarEntry, type TarItem } from "../../test/fixtures/tar/index.ts";
import { deliver, newDirectory, type OpenSettings } from "./archive-fixture.ts";

const run = promisify(execFile);
const layerBytes = tar([{ path: "a", data: "one" }]);
const image = makeImage({ layers: [layerBytes], compression: "none" });
const sound = dockerFiles([{ image }]);
const HEX = image.diffIds[0]?.slice(7) ?? "";
const LAYER = `${HEX}.tar`;

interface Case {
  readonly name: string;
  readonly code: string;
  readonly bytes: Uint8Array;
  readonly settings?: OpenSettings;
  /** `docker-archive` where absent. */
  readonly kind?: string;
}

/** A sound archive with another record of its image, and more entries. */
function recorded(
  record: Readonly<Record<string, unknown>>,
  more: readonly TarItem[] = [],
): Uint8Array {
  return tarOf(dockerFiles([{ image, record }]), more);
}

/** A sound archive whose layer is something else. */
function layerAs(...items: readonly TarItem[]): Uint8Array {
  return tarOf(without(LAYER), items);
}

function without(name: string): ArchiveContent {
  return new Map([...sound].filter(([each]) => each !== name));
}

function replaced(name: string, data: string | Uint8Array): Uint8Array {
  return tarOf(new Map([...sound, [name, Buffer.from(data)]]));
}

function linkChain(length: number): readonly TarItem[] {
  const links = Array.from({ length }, (_, index) => ({
    path: index === 0 ? LAYER : `link-${index}`,
    linkname: `link-${index + 1}`,
  }));
  return [...links, { path: `link-${length}`, data: layerBytes }];
}

const archive = tarOf(sound);
const old = new Map([
  ["repositories", Buffer.from("{}")],
  ["0123/layer.tar", layerBytes],
]);
const sparse = sparseItem("0.1", { path: LAYER, size: 100_000, segments: [[5000, layerBytes]] });

const cases: readonly Case[] = [
  // Archives that are none, or end too early.
  { name: "nothing at all", code: "ARCHIVE_INVALID", bytes: new Uint8Array() },
  { name: "a text", code: "LAYER_COMPRESSION", bytes: Buffer.from("no archive".repeat(100)) },
  { name: "xz", code: "LAYER_COMPRESSION", bytes: Buffer.from("fd377a585a0000", "hex") },
  { name: "a tar of something else", code: "ARCHIVE_INVALID", bytes: tar([{ path: "a" }]) },
  {
    name: "a Docker archive for oci-archive",
    code: "ARCHIVE_INVALID",
    kind: "oci-archive",
    bytes: archive,
  },
  { name: "an archive of Docker before 1.10", code: "ARCHIVE_UNSUPPORTED", bytes: tarOf(old) },
  { name: "the end inside a header", code: "TAR_TRUNCATED", bytes: archive.subarray(0, 700) },
  {
    name: "the end inside a file",
    code: "TAR_TRUNCATED",
    bytes: tarEntry({ path: "a", data: "x".repeat(1000) }).subarray(0, 1000),
  },
  {
    name: "the end inside padding",
    code: "TAR_TRUNCATED",
    bytes: tarEntry({ path: "a", data: "x" }).subarray(0, 600),
  },
  {
    name: "a size past the end",
    code: "TAR_TRUNCATED",
    bytes: tar([{ path: "a", size: 2 ** 40 }]),
  },
  { name: "a size past 2^53", code: "TAR_HEADER", bytes: tar([{ path: "a", size: 2n ** 63n }]) },
  { name: "a negative size", code: "TAR_HEADER", bytes: tar([{ path: "a", size: -1 }]) },
  {
    name: "a PAX size past the end",
    code: "TAR_TRUNCATED",
    bytes: tar([{ path: "a", pax: { size: "9007199254740991" } }]),
  },
  // Compressed ones.
  { name: "damaged gzip", code: "LAYER_CORRUPT", bytes: gzipSync(archive).fill(0xff, 40, 60) },
  {
    name: "gzip that ends early",
    code: "LAYER_TRUNCATED",
    bytes: gzipSync(archive).subarray(0, -20),
  },
  {
    name: "zstd that ends early",
    code: "LAYER_TRUNCATED",
    bytes: zstdCompressSync(archive).subarray(0, -20),
  },
  {
    name: "a gzip bomb",
    code: "LIMIT_ARCHIVE_BYTES",
    bytes: gzipSync(new Uint8Array(1_100_000)),
    settings: { limits: { archiveBytes: 1_000_000 } },
  },
  {
    name: "a zstd bomb",
    code: "LIMIT_ARCHIVE_BYTES",
    bytes: zstdCompressSync(new Uint8Array(1_100_000)),
    settings: { limits: { archiveBytes: 1_000_000 } },
  },
  // Entries.
  {
    name: "more entries than the limit",
    code: "LIMIT_ARCHIVE_ENTRIES",
    bytes: archive,
    settings: { limits: { archiveEntries: 2 } },
  },
  {
    name: "two files of one name",
    code: "ARCHIVE_INVALID",
    bytes: tarOf(sound, [{ path: "manifest.json", data: "[]" }]),
  },
  {
    name: "a second one under a name that climbs",
    code: "ARCHIVE_INVALID",
    bytes: tarOf(sound, [{ path: "a/../../manifest.json", data: "[]" }]),
  },
  {
    name: "a second one under an absolute name",
    code: "ARCHIVE_INVALID",
    bytes: tarOf(sound, [{ path: "/manifest.json", data: "[]" }]),
  },
  {
    name: "a second one that is a link",
    code: "ARCHIVE_INVALID",
    bytes: tarOf(sound, [{ path: "./manifest.json", linkname: "x" }]),
  },
  {
    name: "a layer that is a FIFO",
    code: "ARCHIVE_INVALID",
    bytes: layerAs({ path: LAYER, type: "6" }),
  },
  {
    name: "a layer that is a device",
    code: "ARCHIVE_INVALID",
    bytes: layerAs({ path: LAYER, type: "4" }),
  },
  {
    name: "a layer that is a directory",
    code: "ARCHIVE_INVALID",
    bytes: layerAs({ path: `${LAYER}/` }),
  },
  { name: "a layer that is a sparse file", code: "ARCHIVE_INVALID", bytes: layerAs(sparse) },
  { name: "a layer that is not there", code: "ARCHIVE_INVALID", bytes: layerAs() },
  {
    name: "a layer of a name over 1024 bytes",
    code: "ARCHIVE_INVALID",
    bytes: recorded({ Layers: ["n/".repeat(600)] }, [{ path: "n/".repeat(600).slice(0, -1) }]),
  },
  // Links.
  {
    name: "a link that climbs out",
    code: "ARCHIVE_INVALID",
    bytes: layerAs({ path: LAYER, linkname: "../etc/passwd" }),
  },
  {
    name: "an absolute link",
    code: "ARCHIVE_INVALID",
    bytes: layerAs({ path: LAYER, linkname: "/etc/passwd" }),
  },
  {
    name: "a link to nothing",
    code: "ARCHIVE_INVALID",
    bytes: layerAs({ path: LAYER, linkname: "nothing" }),
  },
  {
    name: "a hard link to nothing",
    code: "ARCHIVE_INVALID",
    bytes: layerAs({ path: LAYER, type: "1", linkname: "nothing" }),
  },
  {
    name: "a link to itself",
    code: "ARCHIVE_INVALID",
    bytes: layerAs({ path: LAYER, linkname: LAYER }),
  },
  { name: "nine links in a row", code: "ARCHIVE_INVALID", bytes: layerAs(...linkChain(9)) },
  // manifest.json.
  {
    name: "a manifest.json that is no JSON",
    code: "JSON_INVALID",
    bytes: replaced("manifest.json", "["),
  },
  {
    name: "a member twice",
    code: "JSON_INVALID",
    bytes: replaced("manifest.json", '[{"Config":"a","Config":"b"}]'),
  },
  {
    name: "a manifest.json that is no list",
    code: "ARCHIVE_INVALID",
    bytes: replaced("manifest.json", "{}"),
  },
  {
    name: "a list of something else",
    code: "ARCHIVE_INVALID",
    bytes: replaced("manifest.json", "[1]"),
  },
  { name: "an empty list", code: "NOT_FOUND", bytes: replaced("manifest.json", "[]") },
  {
    name: "a manifest.json over 1 MiB",
    code: "LIMIT_MANIFEST_BYTES",
    bytes: replaced("manifest.json", "[]".padEnd(1024 * 1024 + 1)),
  },
  { name: "no configuration", code: "ARCHIVE_INVALID", bytes: recorded({ Config: null }) },
  {
    name: "a configuration that is not there",
    code: "ARCHIVE_INVALID",
    bytes: recorded({ Config: "x" }),
  },
  {
    name: "a configuration outside",
    code: "ARCHIVE_INVALID",
    bytes: recorded({ Config: "../../etc/passwd" }),
  },
  {
    name: "an absolute configuration",
    code: "ARCHIVE_INVALID",
    bytes: recorded({ Config: "/etc/passwd" }),
  },
  { name: "an empty name", code: "ARCHIVE_INVALID", bytes: recorded({ Layers: [""] }) },
  {
    name: "a layer outside",
    code: "ARCHIVE_INVALID",
    bytes: recorded({ Layers: [`a/../../${LAYER}`] }),
  },
  { name: "layers that are no list", code: "ARCHIVE_INVALID", bytes: recorded({ Layers: LAYER }) },
  { name: "tags that are no texts", code: "ARCHIVE_INVALID", bytes: recorded({ RepoTags: [1] }) },
  { name: "a layer too many", code: "CONFIG_INVALID", bytes: recorded({ Layers: [LAYER, LAYER] }) },
  { name: "a layer too few", code: "CONFIG_INVALID", bytes: recorded({ Layers: null }) },
  {
    name: "more layers than the limit",
    code: "LIMIT_LAYERS",
    bytes: recorded({ Layers: [LAYER, LAYER, LAYER] }),
    settings: { limits: { layers: 2 } },
  },
  {
    name: "a configuration over the limit",
    code: "LIMIT_CONFIG_BYTES",
    bytes: archive,
    settings: { limits: { configBytes: 50 } },
  },
  {
    name: "a configuration that is none",
    code: "CONFIG_INVALID",
    bytes: replaced(`${image.config.digest.slice(7)}.json`, "[]"),
  },
  {
    name: "a layer of other bytes",
    code: "CONTENT_DIGEST_MISMATCH",
    bytes: layerAs({ path: LAYER, data: tar([{ path: "b", data: "two" }]) }),
  },
];

describe("an archive is refused with", () => {
  for (const { name, code, bytes, settings, kind = "docker-archive" } of cases) {
    test(name, async (t) => {
      const path = join(await newDirectory(t), "archive.tar");
      await writeFile(path, bytes);
      await assert.rejects(deliver(`${kind}:${path}`, settings), { code });
    });
  }

  test("a name that nobody has", async (t) => {
    const path = join(await newDirectory(t), "none");
    await assert.rejects(deliver(`docker-archive:${path}`), { code: "NOT_FOUND" });
  });

  test("a directory, or a FIFO, which is not waited for", async (t) => {
    const directory = await newDirectory(t);
    await assert.rejects(deliver(`oci-archive:${directory}`), { code: "ARCHIVE_UNREADABLE" });
    await run("mkfifo", [join(directory, "fifo")]);
    const fifo = deliver(`oci-archive:${join(directory, "fifo")}`);
    await assert.rejects(fifo, { code: "ARCHIVE_UNREADABLE" });
  });

  test("standard input where there is none, or what cannot be read", async () => {
    await assert.rejects(deliver("docker-archive:-"), { code: "REFERENCE_TRANSPORT" });
    const broken = Object.assign(new Error("EISDIR"), { code: "EISDIR", syscall: "read" });
    const standardInput = (): AsyncIterable<Uint8Array> =>
      new Readable({
        read() {
          this.destroy(broken);
        },
      });
    const read = deliver("docker-archive:-", { standardInput });
    await assert.rejects(read, { code: "ARCHIVE_UNREADABLE" });
  });
});

describe("an archive that changes after its image was chosen", () => {
  test("is the one that was opened, where another takes its name", async (t) => {
    const directory = await newDirectory(t);
    const path = join(directory, "archive.tar");
    await writeFile(path, archive);
    await writeFile(join(directory, "other"), tar([]));
    const meanwhile = (): Promise<void> => rename(join(directory, "other"), path);
    const { layers } = await deliver(`docker-archive:${path}`, { meanwhile });
    assert.deepEqual(layers[0]?.bytes, Buffer.from(layerBytes));
  });

  test("is refused where it was written to", async (t) => {
    const path = join(await newDirectory(t), "archive.tar");
    await writeFile(path, archive);
    const bytes = Buffer.from(archive);
    bytes.set(Buffer.from("two"), bytes.indexOf("one"));
    const meanwhile = (): Promise<void> => writeFile(path, bytes);
    const read = deliver(`docker-archive:${path}`, { meanwhile });
    await assert.rejects(read, { code: "CONTENT_DIGEST_MISMATCH" });
  });

  test("is refused where it became shorter", async (t) => {
    const path = join(await newDirectory(t), "archive.tar");
    await writeFile(path, archive);
    const meanwhile = (): Promise<void> => truncate(path, 600);
    const read = deliver(`docker-archive:${path}`, { meanwhile });
    await assert.rejects(read, { code: "ARCHIVE_CHANGED" });
  });
});

test("an archive may be named through a link, which its user made", async (t) => {
  const directory = await newDirectory(t);
  await writeFile(join(directory, "archive.tar"), archive);
  await symlink("archive.tar", join(directory, "link"));
  const { layers } = await deliver(`docker-archive:${join(directory, "link")}`);
  assert.equal(layers.length, 1);
});

test("eight links in a row lead to a layer", async (t) => {
  const path = join(await newDirectory(t), "archive.tar");
  await writeFile(path, layerAs(...linkChain(8)));
  const { layers } = await deliver(`docker-archive:${path}`);
  assert.equal(digestOf(layers[0]?.bytes ?? new Uint8Array()), image.diffIds[0]);
});
