import assert from "node:assert/strict";
import { DEFAULT_LIMITS, LimitError, type ByteSource } from "../../src/base/index.ts";
import {
  openSquashfs,
  SquashfsError,
  type FileInode,
  type SquashfsFile,
  type SquashfsReader,
} from "../../src/squashfs/index.ts";
import { rootOf } from "../fixtures/sample-squashfs.ts";
import { never, strictSource } from "../fixtures/small-squashfs.ts";
import { fuzzTarget, type FuzzTarget } from "./fuzz-target.ts";
import { squashfsInput } from "./squashfs-inputs.ts";

/** The most that one read may ask for: a block of the largest kind, or an index. */
const MOST_READ = 1 << 20;
/** The most reads that an image of the size of these may take, whatever it says. */
const MOST_READS = 20_000;
/** What of the files' contents is read, for holes may have any size. */
const MOST_CONTENT = 1 << 22;

/**
 * Damaged images: read or refused by an error of ours, at a cost that their size bounds. What is
 * read is the same whichever way it is reached: by walking or by name, whole or in part.
 */
export const squashfsTarget: FuzzTarget = fuzzTarget({
  inputs: squashfsInput,
  async answer(image) {
    try {
      await readEverything(image);
      return "read";
    } catch (error) {
      if (error instanceof SquashfsError || error instanceof LimitError) return error.code;
      throw error;
    }
  },
  show: (image) => Buffer.from(image).toString("base64"),
  batch: 500,
});

async function readEverything(image: Uint8Array): Promise<void> {
  const source = countedSource(image);
  const reader = await openSquashfs(source, { limits: DEFAULT_LIMITS }, never);
  // Another one, whose caches hold other things when it comes to a file.
  const other = await openSquashfs(source, { limits: DEFAULT_LIMITS }, never);
  const files: SquashfsFile[] = [];
  for await (const file of reader.walk(await rootOf(reader), never)) files.push(file);
  const budget = { left: MOST_CONTENT };
  for (const { path, inode } of files) {
    const found = await other.stat(path, { follow: false }, never);
    assert.deepEqual(found.inode, inode, `${Buffer.from(path).toString()} by name`);
    assert.equal(Buffer.compare(found.path, path), 0, "another path");
    assert.deepEqual(await other.xattrs(inode, never), await reader.xattrs(inode, never));
    if (inode.kind === "file") await readTwice(reader, other, inode, budget);
  }
}

async function readTwice(
  reader: SquashfsReader,
  other: SquashfsReader,
  file: FileInode,
  budget: { left: number },
): Promise<void> {
  const end = Math.min(file.size, budget.left);
  budget.left -= end;
  const whole = await contentOf(reader, file, 0, end);
  assert.equal(whole.length, end);
  const start = Math.floor(end / 3);
  const part = await contentOf(other, file, start, end - start);
  assert.ok(part.equals(whole.subarray(start, end - start)), "another part");
}

async function contentOf(
  reader: SquashfsReader,
  file: FileInode,
  start: number,
  end: number,
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of reader.content(file, { start, end }, never)) chunks.push(chunk.slice());
  return Buffer.concat(chunks);
}

function countedSource(bytes: Uint8Array): ByteSource {
  const source = strictSource(bytes, MOST_READ);
  let reads = 0;
  return {
    size: source.size,
    read: async (position, length) => {
      reads += 1;
      if (reads > MOST_READS) throw new Error(`more than ${MOST_READS} reads`);
      return await source.read(position, length);
    },
  };
}
