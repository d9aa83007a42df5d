import assert from "node:assert/strict";
import { mkdtempDisposable, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_LIMITS } from "../../src/base/index.ts";
import { openSquashfs } from "../../src/squashfs/index.ts";
import { imageTree } from "../fixtures/image-tree.ts";
import { never, strictSource } from "../fixtures/small-squashfs.ts";
import {
  compareTrees,
  rdUnsquash,
  readTree,
  unsquash,
  withFuseMount,
  withKernelMount,
  type CompareOptions,
  type PartitionRange,
  type Tree,
} from "../real/index.ts";
import { lintImage } from "./lint/lint-image.ts";

/** An image in a file, from some byte on. */
export interface ImageFile {
  readonly path: string;
  readonly partition: PartitionRange;
}

/**
 * Has every reader there is read every byte of an image, and asserts that each finds `expected` as far
 * as it can show it: the kernel and unsquashfs all of it, squashfuse no attributes (it mixes up their
 * namespaces) and no inode numbers, rdsquashfs neither attributes nor hard links. So do the strict
 * reader of our own and the lint.
 *
 * @param how - `addedPaths` are those that the layout adds
 */
export async function assertAllReaders(
  image: ImageFile,
  expected: Tree,
  how: Pick<CompareOptions, "addedPaths"> = {},
): Promise<void> {
  const differences = (who: string, actual: Tree, options: CompareOptions = {}): void => {
    assert.deepEqual(compareTrees(expected, actual, { ...how, ...options }), [], who);
  };
  const { path, partition } = image;
  differences("the kernel", await withKernelMount(path, partition, readTree));
  const squashfuse = await withFuseMount(path, partition, readTree);
  differences("squashfuse", squashfuse, { ignoredFacts: ["xattrs", "firstName"] });
  await using work = await mkdtempDisposable(join(tmpdir(), "siflet-all-readers-"));
  const unpacked = join(work.path, "unsquashfs");
  await unsquash(path, partition.offset, unpacked);
  differences("unsquashfs", await readTree(unpacked));
  const others = join(work.path, "rdsquashfs");
  await rdUnsquash(path, partition, others);
  // The folder that it unpacks into keeps its time.
  const isRoot = (name: string): boolean => name === ".";
  const ignoredFacts = ["xattrs", "nlink", "firstName"] as const;
  differences("rdsquashfs", await readTree(others), { ignoredFacts, ignoreMtimeOf: isRoot });
  const bytes = await imageBytes(image);
  const reader = await openSquashfs(strictSource(bytes), { limits: DEFAULT_LIMITS }, never);
  differences("our reader", await imageTree(reader));
  assert.deepEqual(lintImage(bytes), [], "the lint");
}

/** The bytes of the squashfs image alone. */
export async function imageBytes({ path, partition }: ImageFile): Promise<Buffer> {
  return (await readFile(path)).subarray(partition.offset, partition.offset + partition.size);
}
