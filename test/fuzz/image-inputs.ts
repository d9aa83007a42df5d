import { createHash } from "node:crypto";
import fc from "fast-check";
import type { Compression } from "../../src/image/index.ts";
import { SMALL_BLOCK } from "../fixtures/small-squashfs.ts";
import type { TarItem } from "../fixtures/tar/index.ts";
import { noiseBytes, textBytes, type FileFacts } from "../real/index.ts";

/** A layer of names that are all different, and the tree that it is. */
export interface ImageInput {
  readonly compression: Compression;
  readonly items: readonly TarItem[];
  readonly tree: ReadonlyMap<string, FileFacts>;
}

/** One inode, with what the tree says of it. */
interface Node {
  readonly item: Omit<TarItem, "path">;
  readonly facts: Omit<FileFacts, "mode" | "uid" | "gid" | "mtime" | "xattrs">;
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

const node: fc.Arbitrary<Node> = fc.oneof(
  { weight: 6, arbitrary: content.map(fileNode) },
  { weight: 1, arbitrary: fc.constant(directoryNode()) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 4095 }).map(linkNode) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Node>(
      { item: { type: "6" }, facts: { type: "fifo", nlink: 1 } },
      {
        item: { type: "3", devMajor: 4095, devMinor: 0 },
        facts: { type: "char", nlink: 1, device: "4095:0" },
      },
      {
        item: { type: "4", devMajor: 0, devMinor: 1_048_575 },
        facts: { type: "block", nlink: 1, device: "0:1048575" },
      },
    ),
  },
);

function fileNode(bytes: Uint8Array): Node {
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return {
    item: { type: "0", data: bytes },
    facts: { type: "file", nlink: 1, size: bytes.length, sha256 },
  };
}

function directoryNode(): Node {
  return { item: { type: "5" }, facts: { type: "directory" } };
}

function linkNode(bytes: number): Node {
  const target = "t".repeat(bytes);
  return { item: { linkname: target }, facts: { type: "symlink", nlink: 1, target } };
}

/** Names with one and the same inode in different numbers: listings and tables of all sizes. */
interface Group {
  readonly directory: string;
  readonly count: number;
  readonly nameBytes: number;
  readonly node: Node;
  /** How many further names each has. */
  readonly links: number;
  readonly mode: number;
  /** Owners of the first, one more for each further one. */
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
  mtime: fc.constantFrom(0, 1, 2 ** 31, 2 ** 32 - 1),
  xattr: fc.option(fc.constantFrom("", "1", "v".repeat(9000)), { nil: undefined, freq: 3 }),
  ownXattr: fc.boolean(),
});

export const imageInput: fc.Arbitrary<ImageInput> = fc
  .record({
    compression: fc.constantFrom<Compression>("gzip", "zstd"),
    groups: fc.array(group, { maxLength: 8 }),
  })
  .map(({ compression, groups }) => {
    const tree = new Map<string, FileFacts>();
    const items: TarItem[] = [];
    addDirectory("./", ".");
    for (const [index, each] of groups.entries()) {
      const parts = each.directory.split("/").slice(0, -1);
      parts.forEach((_, depth) => {
        const path = parts.slice(0, depth + 1).join("/");
        if (!tree.has(path)) addDirectory(`${path}/`, path);
      });
      for (let number = 0; number < each.count; number += 1)
        addOne(each, `${index}-${number}`, number);
    }
    return { compression, items, tree };

    function addDirectory(path: string, name: string): void {
      items.push({ path, mode: 0o711, mtime: 7 });
      const facts = { mode: 0o711, uid: 0, gid: 0, mtime: 7, xattrs: {} };
      tree.set(name, { type: "directory", ...facts });
    }

    function addOne(each: Group, id: string, number: number): void {
      const { item, facts } = each.node;
      const path = `${each.directory}${id}`.padEnd(each.directory.length + each.nameBytes, "~");
      const isDirectory = facts.type === "directory";
      const attributes = {
        mode: facts.type === "symlink" ? 0o777 : each.mode,
        uid: each.uid + number,
        gid: each.uid,
        mtime: each.mtime,
      };
      const xattrs = xattrsOf(each, number);
      const pax = xattrs.map(([key, value]) => [`SCHILY.xattr.${key}`, value] as const);
      items.push({ ...item, path, ...attributes, pax });
      const links = isDirectory ? 0 : each.links;
      const names = [
        path,
        ...Array.from({ length: links }, (_, link) => `${path.slice(0, -1)}${link}`),
      ];
      for (const linkName of names.slice(1))
        items.push({ path: linkName, type: "1", linkname: path });
      const firstName = [...names].sort()[0] ?? path;
      for (const name of names) {
        tree.set(name, {
          ...facts,
          ...attributes,
          xattrs: Object.fromEntries(
            xattrs.map(([key, value]) => [key, Buffer.from(value).toString("hex")]),
          ),
          ...(isDirectory ? {} : { nlink: 1 + links }),
          ...(links === 0 ? {} : { firstName }),
        });
      }
    }
  });

/** Sorted by name, as images have them. */
function xattrsOf({ xattr, ownXattr }: Group, number: number): [name: string, value: string][] {
  if (xattr === undefined) return [];
  const own = ownXattr ? `${number}` : "";
  return [
    ["security.a", own],
    ["trusted.b", xattr],
  ];
}
