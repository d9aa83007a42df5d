import assert from "node:assert/strict";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { testHostileImages } from "../fixtures/hostile-image.ts";
import { sparseItem, tar, tarHeader, type TarItem } from "../fixtures/tar/index.ts";

// Layers whose bytes are the attack: whole pulls of bombs, of archives that two readers read as two
// things, of numbers that overflow, and of what stands behind an archive's end.

const MiB = 1024 * 1024;
const bomb = (path = "zeros"): readonly TarItem[] => [{ path, data: Buffer.alloc(32 * MiB) }];
const evil = tarHeader({ path: "evil", data: "" });
const small = tar([{ path: "f", data: "content" }]);
const tailed = Buffer.concat([small, Buffer.alloc(2 * MiB, "tail")]);

testHostileImages([
  {
    name: "a gzip bomb ends at the limit of a layer (CVE-2017-14992)",
    layers: () => [bomb()],
    limits: { layerBytes: 4 * MiB },
    code: "LIMIT_LAYER_BYTES",
  },
  {
    name: "a zstd bomb ends at the limit of a layer",
    layers: () => [bomb()],
    image: () => ({ compression: "zstd" }),
    limits: { layerBytes: 4 * MiB },
    code: "LIMIT_LAYER_BYTES",
  },
  {
    name: "bombs in many layers end at the limit of an image",
    layers: () => [bomb("one"), [{ path: "a" }], bomb("two")],
    limits: { imageBytes: 40 * MiB },
    code: "LIMIT_IMAGE_BYTES",
  },
  {
    name: "a file of holes counts with its holes",
    layers: () => [[sparseItem("1.0", { path: "s", size: 2 ** 50, segments: [] })]],
    code: "LIMIT_LOGICAL_BYTES",
  },
  {
    name: "a file of holes of 8 EiB is refused",
    layers: () => [
      [
        {
          path: "s",
          pax: {
            "GNU.sparse.major": "1",
            "GNU.sparse.minor": "0",
            "GNU.sparse.realsize": `${2n ** 63n}`,
          },
          data: "0\n",
        },
      ],
    ],
    code: "TAR_SPARSE",
  },
  {
    name: "a damaged layer ends the pull, though another one never comes (CVE-2021-20291)",
    layers: () => [small, tar([{ path: "g", data: Buffer.alloc(MiB, "g") }])],
    image: () => ({
      pack: (layer) => {
        const blob = gzipSync(layer);
        return layer === small ? blob.fill(0xff, 20, 40) : blob;
      },
    }),
    spoil: (registry, [, silent = ""]) => {
      registry.addFault(`/v2/app/blobs/${silent}`, { stallAt: 100, method: "GET" });
    },
    code: "LAYER_CORRUPT",
  },
  {
    name: "a size in a record hides what the header's would show: one reader, one answer",
    layers: () => [[{ path: "a", data: evil, size: 0, pax: { size: "512" } }, { path: "b" }]],
    check: ({ tree }) => {
      assert.equal(tree.get("a")?.size, 512);
      assert.deepEqual([tree.has("evil"), tree.has("b")], [false, true]);
    },
  },
  {
    name: "a size in a record shows what the header's would hide: one reader, one answer",
    layers: () => [[{ path: "a", data: evil, pax: { size: "0" } }, { path: "b" }]],
    check: ({ tree }) => {
      assert.equal(tree.get("a")?.size, 0);
      assert.deepEqual([tree.has("evil"), tree.has("b")], [true, true]);
    },
  },
  {
    name: "a hard link with data of its own is refused",
    layers: () => [[{ path: "a" }, { path: "h", type: "1", linkname: "a", data: "data" }]],
    code: "TAR_CHECKSUM",
  },
  ...[-1n, -(2n ** 62n), 2n ** 53n, 2n ** 64n, 2n ** 90n].map((size) => ({
    name: `a size of ${size} is refused`,
    layers: () => [[{ path: "a", size }]],
    code: "TAR_HEADER",
  })),
  {
    name: "times before 1970 and past 2106 are held to what an image can say",
    layers: () => [
      [
        { path: "early", mtime: -(2n ** 40n) },
        { path: "late", mtime: 2n ** 40n },
      ],
    ],
    check: ({ tree }) => {
      assert.deepEqual([tree.get("early")?.mtime, tree.get("late")?.mtime], [0, 2 ** 32 - 1]);
    },
  },
  {
    name: "a name with NUL is refused",
    layers: () => [[{ path: "a", pax: { path: "a\0b" } }]],
    code: "TAR_PAX",
  },
  {
    name: "a name of 256 bytes is refused",
    layers: () => [[{ path: `d/${"n".repeat(256)}` }]],
    code: "TAR_PATH",
  },
  {
    name: "a path of more than 64 KiB is refused",
    layers: () => [[{ path: "ab/".repeat(22_000) }]],
    code: "LIMIT_PATH_BYTES",
  },
  {
    name: "a path of 1025 directories is refused",
    layers: () => [[{ path: `${"d/".repeat(1024)}f` }]],
    code: "LIMIT_PATH_DEPTH",
  },
  {
    name: "an extended header of more than 1 MiB is refused",
    layers: () => [[{ path: "a", pax: { comment: "c".repeat(MiB) } }]],
    code: "LIMIT_HEADER_BYTES",
  },
  {
    name: "attributes of more than 256 KiB are refused",
    layers: () => [[{ path: "a", pax: { "SCHILY.xattr.user.a": "v".repeat(256 * 1024 + 1) } }]],
    code: "LIMIT_XATTR_BYTES",
  },
  {
    name: "more entries than the limit are refused",
    layers: () => [Array.from({ length: 200 }, (_, index) => ({ path: `${index}` }))],
    limits: { entries: 150 },
    code: "LIMIT_ENTRIES",
  },
  {
    name: "bytes behind an archive's end are bytes of the layer: others are refused",
    layers: () => [tailed],
    image: () => ({ compression: "none" }),
    spoil: (registry, [digest = ""]) => {
      const bytes = Buffer.from(tailed);
      bytes.write("x", bytes.length - 1);
      registry.addFault(`/v2/app/blobs/${digest}`, { bytes, method: "GET" });
    },
    code: "CONTENT_DIGEST_MISMATCH",
  },
  {
    name: "bytes behind an archive's end that the diffID does not know are refused",
    layers: () => [small],
    image: () => ({ pack: () => zstdCompressSync(tailed), compression: "zstd" }),
    code: "CONTENT_DIGEST_MISMATCH",
  },
]);
