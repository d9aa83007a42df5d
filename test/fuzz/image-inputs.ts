import fc from "fast-check";
import type { Compression } from "../../src/image/index.ts";
import {
  device,
  directory,
  fifo,
  file,
  LayerTree,
  symlink,
  type NodeWish,
} from "../fixtures/layer-tree.ts";
import { SMALL_BLOCK } from "../fixtures/small-squashfs.ts";
import { noiseBytes, textBytes } from "../real/index.ts";

/** A layer of names that are all different, and the tree that it is. */
export interface ImageInput {
  readonly compression: Compression;
  readonly layer: LayerTree;
}

const MOST_CONTENT = 5 * SMALL_BLOCK;
const SAMPLES = [
  textBytes("image", MOST_CONTENT),
  noiseBytes("image", MOST_CONTENT),
  Buffer.alloc(MOST_CONTENT),
  // Holes of whole blocks between, before and behind others.
  Buffer.concat([
    Buffer.alloc(SMALL_BLOCK),
    textBytes("holes", SMALL_BLOCK),
    Buffer.alloc(2 * SMALL_BLOCK),
    noiseBytes("holes", SMALL_BLOCK),
  ]),
];
const EDGES = [0, 1, 2048, 4095, 4096, 4097, 8191, 8192, 8193, MOST_CONTENT];
const content = fc
  .tuple(fc.constantFrom(...SAMPLES), fc.oneof(fc.constantFrom(...EDGES), fc.nat(MOST_CONTENT)))
  .map(([sample, size]) => sample.subarray(0, size));

const node: fc.Arbitrary<NodeWish> = fc.oneof(
  { weight: 6, arbitrary: content.map(file) },
  { weight: 1, arbitrary: fc.constant(directory()) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 4095 }).map((n) => symlink("t".repeat(n))) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(fifo(), device("char", 4095, 0), device("block", 0, 1_048_575)),
  },
);

/** Names with one and the same inode in different numbers: listings and tables of all sizes. */
interface Group {
  readonly directory: string;
  readonly count: number;
  readonly nameBytes: number;
  readonly node: NodeWish;
  /** How many further names each has, where it may have some. */
  readonly links: number;
  readonly mode: number;
  /** Owner of the first; each further one has one of its own. */
  readonly uid: number;
  readonly mtime: number;
  readonly xattr: string | undefined;
  /** Each has an attribute set of its own. */
  readonly ownXattr: boolean;
}

const group: fc.Arbitrary<Group> = fc.record({
  directory: fc.constantFrom("", "d/", "d/e/", `${"n".repeat(255)}/`),
  count: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 1, max: 3 }) },
    { weight: 2, arbitrary: fc.integer({ min: 4, max: 40 }) },
    { weight: 1, arbitrary: fc.constantFrom(255, 256, 257, 600) },
  ),
  nameBytes: fc.oneof(fc.constantFrom(8, 9, 255), fc.integer({ min: 8, max: 255 })),
  node,
  links: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(3) }),
  mode: fc.constantFrom(0o755, 0o644, 0o7777, 0),
  uid: fc.constantFrom(0, 1000, 4_294_966_000),
  mtime: fc.constantFrom(-1, 0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32),
  xattr: fc.option(fc.constantFrom("", "1", "v".repeat(9000)), { nil: undefined, freq: 3 }),
  ownXattr: fc.boolean(),
});

export const imageInput: fc.Arbitrary<ImageInput> = fc
  .record({
    compression: fc.constantFrom<Compression>("gzip", "zstd"),
    groups: fc.array(group, { maxLength: 8 }),
  })
  .map(({ compression, groups }) => ({ compression, layer: layerOf(groups) }));

function layerOf(groups: readonly Group[]): LayerTree {
  const layer = new LayerTree({ mode: 0o711, mtime: 7 });
  for (const [index, each] of groups.entries()) {
    addDirectories(layer, each.directory);
    for (let number = 0; number < each.count; number += 1) {
      const name = `${each.directory}${index}-${number}`;
      const path = name.padEnd(each.directory.length + each.nameBytes, "~");
      const links = each.node.facts.type === "directory" ? 0 : each.links;
      const others = Array.from({ length: links }, (_, link) => `${path.slice(0, -1)}${link}`);
      const { mode, uid, mtime } = each;
      const xattrs = xattrsOf(each, number);
      layer.add(path, each.node, { mode, uid: uid + number, gid: uid, mtime, xattrs }, others);
    }
  }
  return layer;
}

function addDirectories(layer: LayerTree, path: string): void {
  for (let slash = path.indexOf("/"); slash >= 0; slash = path.indexOf("/", slash + 1)) {
    const name = path.slice(0, slash);
    if (!layer.tree.has(name)) layer.add(name, directory(), { mode: 0o711, mtime: 7 });
  }
}

function xattrsOf({ xattr, ownXattr }: Group, number: number): Record<string, string> {
  if (xattr === undefined) return {};
  return { "security.a": ownXattr ? `${number}` : "", "trusted.b": xattr };
}
