import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { watch } from "../../fuzz/watch.ts";
import type { FuzzTargetName } from "./index.ts";

/** What the share of a target must have met: it shows that its inputs are neither all good nor bad. */
interface Share {
  readonly target: FuzzTargetName;
  readonly runs: number;
  readonly answers: readonly string[];
}

const shares: readonly Share[] = [
  {
    target: "decompress",
    runs: 250,
    answers: ["read", "LAYER_CORRUPT", "LAYER_TRUNCATED", "LIMIT_LAYER_BYTES", "LIMIT_ZSTD_WINDOW"],
  },
  { target: "image", runs: 50, answers: ["converted with gzip", "converted with zstd"] },
  {
    target: "sif",
    runs: 1500,
    answers: ["read", "read, no root", "SIF_MAGIC", "SIF_TABLE", "SIF_OBJECT"],
  },
  {
    target: "squashfs",
    runs: 800,
    answers: [
      ...["read", "SQUASHFS_SUPERBLOCK", "SQUASHFS_COMPRESSOR", "SQUASHFS_TABLE", "SQUASHFS_BLOCK"],
      ...["SQUASHFS_INODE", "SQUASHFS_DIRECTORY", "SQUASHFS_XATTR"],
    ],
  },
  {
    target: "tar",
    runs: 1500,
    answers: [
      ...["read", "TAR_CHECKSUM", "TAR_HEADER", "TAR_PAX", "TAR_SPARSE", "TAR_TYPE", "TAR_PATH"],
      ...["TAR_ID", "TAR_DEVICE", "TAR_TRUNCATED", "LIMIT_HEADER_BYTES", "LIMIT_PATH_BYTES"],
      ...["LIMIT_PATH_DEPTH", "LIMIT_LINK_TARGET_BYTES", "LIMIT_SPARSE_SEGMENTS"],
    ],
  },
];

// In processes of their own, as `npm run fuzz` has them: the memory of each is bounded, and the test
// runner's watch over every promise, which costs ten times their work, is not there.
describe("a fixed share of what `npm run fuzz` tries", () => {
  for (const { target, runs, answers } of shares) {
    test(target, async () => {
      const end = await watch([target, "1", "0", String(runs)]);
      assert.equal(end.failure, undefined, "what failed stands in its standard error");
      const missing = answers.filter((answer) => !end.answers.has(answer));
      assert.deepEqual(missing, [], JSON.stringify([...end.answers]));
    });
  }
});
