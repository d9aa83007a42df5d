import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DEFAULT_LIMITS, type Limits } from "../../src/base/index.ts";
import { CODECS, loadBlockCompressor } from "../../src/codec/index.ts";
import type { LayerRecord } from "../../src/packs/index.ts";
import { planSquashfs, type SquashfsImage } from "../../src/squashfs/index.ts";
import { LayerMerge, sortTree, type SortedTree } from "../../src/tree/index.ts";
import { convertLayers } from "../fixtures/convert-layers.ts";
import { parseLayer } from "../fixtures/merge-notation.ts";
import { tar } from "../fixtures/tar/index.ts";
import { noiseBytes } from "../real/index.ts";

/** Trees of a size or shape that a hostile image may have; what is not linear here never ends. */
describe("merging", () => {
  test("Z08: 100,000 names of one directory come sorted and are listed", async () => {
    const count = 100_000;
    const tree = mergeAll([
      function* () {
        for (let i = count; i > 0; i -= 1) yield entry("f", `d/file-${i}`);
      },
    ]);
    const [directory] = tree.children(tree.root);
    assert.ok(directory !== undefined);
    const names = Array.from(tree.children(directory), (node) => Buffer.from(tree.name(node)));
    assert.equal(names.length, count);
    assert.ok(names.every((name, i) => i === 0 || Buffer.compare(names[i - 1] ?? name, name) < 0));
    assert.ok((await plan(tree)).size > 0);
  });

  test("Z08: 65,535 ids are an image, one more is refused with LIMIT_IDS", async () => {
    const owners = (count: number): SortedTree =>
      mergeAll([
        function* () {
          for (let i = 1; i <= count; i += 1) yield { ...entry("f", `f${i}`), uid: i };
        },
      ]);
    // The group of all, and the owner of the root, is one more.
    assert.ok((await plan(owners(65_534))).size > 0);
    await assert.rejects(plan(owners(65_535)), { code: "LIMIT_IDS" });
    await assert.rejects(plan(owners(70_000)), { code: "LIMIT_IDS" });
  });

  test("links lead no deeper than a path may, unless the limits say so", async () => {
    const hops = 40;
    const target = "d/".repeat(2047);
    const path = (length: number): string => Array.from({ length }, (_, i) => `s${i}`).join("/");
    const layers = [
      function* () {
        for (let i = 1; i <= hops; i += 1) yield link(path(i), target);
        yield entry("f", `${path(hops)}/f`);
      },
    ];
    assert.throws(() => mergeAll(layers), { code: "LIMIT_PATH_DEPTH" });
    assert.throws(() => mergeAll(layers, { pathDepth: 65_535 }), { code: "LIMIT_PATH_BYTES" });
    assert.throws(() => mergeAll(layers, { pathDepth: 65_535, pathBytes: 1e6 }), {
      code: "LIMIT_PATH_DEPTH",
    });
    const deep = [() => [...(layers[0]?.() ?? [])].slice(0, 31)];
    const limits = { pathDepth: 65_535, pathBytes: 1e6 };
    const tree = mergeAll(deep, limits);
    assert.equal(tree.nameCount, 1 + 30 * (2047 + 1) + 1);
    let bytes = 0;
    const image = await plan(tree);
    for (const chunk of image.chunks()) bytes += chunk.length;
    assert.equal(bytes, image.size);
    const opaque = (): LayerRecord[] => [entry("f", ".wh..wh..opq")];
    assert.equal(mergeAll([...deep, opaque], limits).nameCount, 1);
  });

  test("a directory of many names that comes and goes many times", () => {
    const tree = mergeAll([
      function* () {
        for (let i = 0; i < 20_000; i += 1) yield entry("f", `d/${i}`);
        for (let i = 0; i < 100_000; i += 1) {
          yield entry("f", "d");
          yield entry("f", "d/last");
        }
      },
    ]);
    assert.equal(tree.nameCount, 3);
  });

  test("a directory of many new names that is made opaque many times", () => {
    const tree = mergeAll([
      () => [entry("f", "d/lower")],
      function* () {
        for (let i = 0; i < 20_000; i += 1) yield entry("f", `d/${i}`);
        for (let i = 0; i < 100_000; i += 1) yield entry("f", "d/.wh..wh..opq");
      },
    ]);
    assert.equal(tree.nameCount, 20_002);
  });

  test("many hard links before their targets, each to the next", () => {
    const count = 100_000;
    const tree = mergeAll([
      function* () {
        for (let i = 1; i <= count; i += 1) {
          yield { ...entry("a@b", `l${i}`), linkTarget: Buffer.from(`l${i + 1}`) };
        }
        yield entry("f", `l${count + 1}`);
      },
    ]);
    assert.equal(tree.nameCount, count + 2);
    assert.equal(tree.inodeCount, 2);
  });

  test("Z03: 300 layers, each hides what the one below brought", () => {
    const layers = Array.from({ length: 300 }, (_, i) => () => [
      entry("f", `d/.wh.${i - 1}`),
      entry("f", `d/${i}`),
    ]);
    const tree = mergeAll(layers);
    const [directory] = tree.children(tree.root);
    const names = Array.from(tree.children(directory ?? 0), (node) =>
      Buffer.from(tree.name(node)).toString(),
    );
    assert.deepEqual(names, ["299"]);
  });
});

/** What little input could make us hold or do without end, each by the limit that it meets. */
describe("merging layers that are made to exhaust us", () => {
  interface Attack {
    readonly name: string;
    readonly layers: readonly Layer[];
    /** Met exactly; one less is refused. */
    readonly limits: Partial<Limits>;
    readonly code: string;
  }

  const zigzag = "d/../".repeat(800);
  const long = Array.from({ length: 100 }, () => "p".repeat(100)).join("/");
  const attacks: readonly Attack[] = [
    {
      name: "links that wander up and down, in the way of every file",
      layers: [
        () => [entry("d/", "d"), link("b", `${zigzag}d`), link("a", `${zigzag}b`)],
        () => [entry("f", "a/1/f"), entry("f", "a/2/f"), entry("f", "a/1/f")],
      ],
      limits: { linkSteps: 3 * (1601 + 1601) },
      code: "LIMIT_LINK_STEPS",
    },
    {
      name: "the same in the way of whiteouts, and of targets of hard links",
      layers: [
        () => [
          entry("d/", "d"),
          link("b", `${zigzag}d`),
          link("a", `${zigzag}b`),
          entry("f", "d/f"),
        ],
        () => [entry("f", "a/.wh.1"), entry("f", "a/.wh.2"), hardlink("g", "a/f")],
      ],
      limits: { linkSteps: 3 * (1601 + 1601) },
      code: "LIMIT_LINK_STEPS",
    },
    {
      name: "a deep link that a whiteout may mean by a directory's name",
      layers: [
        () => [entry("d/", "1/2/3/4"), link("1/2/3/4/5", "/1"), link("s", "1/2/3/4/5")],
        () => [entry("d/", "other"), entry("f", "s/.wh.x"), entry("f", "1/2/3/4/5/.wh.x")],
      ],
      // A link's depth, its target's names, and so on for the links behind it.
      limits: { linkSteps: 1 + 5 + 5 + 1 + (5 + 1) },
      code: "LIMIT_LINK_STEPS",
    },
    {
      name: "directories that are implied by a moving link",
      layers: [
        () => [link("L", "/X/d/d/d/d/d/d/d/d"), link("X", "n1"), entry("f", "L/f")],
        () => [link("X", "n2"), entry("f", "L/f")],
      ],
      limits: { entries: 5 + 2 * 9 },
      code: "LIMIT_ENTRIES",
    },
    {
      name: "directories that are implied again and again",
      layers: [
        function* () {
          for (let i = 0; i < 10; i += 1) yield* [entry("f", "a"), entry("f", "a/b/c/d/e")];
        },
      ],
      limits: { entries: 20 + 10 * 4 },
      code: "LIMIT_ENTRIES",
    },
    {
      name: "directories of long names, where there is a whiteout",
      layers: [() => [entry("d/", `a/${long}`), entry("d/", `b/${long}`), entry("f", ".wh.c")]],
      limits: { nameBytes: 2 * 10_001 },
      code: "LIMIT_NAME_BYTES",
    },
    {
      name: "targets of symbolic links",
      layers: [() => [link("a", "t".repeat(4000)), link("b", "t".repeat(4000))]],
      limits: { nameBytes: 8002 },
      code: "LIMIT_NAME_BYTES",
    },
    {
      name: "hard links before their targets",
      layers: [() => [hardlink("b", "a"), hardlink("c", "a"), entry("f", "a")]],
      limits: { nameBytes: 2 * 2 + 3 },
      code: "LIMIT_NAME_BYTES",
    },
    {
      name: "files that AUFS put aside",
      layers: [() => [entry("f", `.wh..wh.plnk/${long}`)]],
      limits: { nameBytes: 13 + 10_099 },
      code: "LIMIT_NAME_BYTES",
    },
    {
      name: "attributes, each set of them counted once",
      layers: [
        () => ["1", "22", "1", "1", "22"].map((x, i) => entry(`f(x${x})`, `f${i}`)),
        () => [entry("f(x1)", "g"), entry("f(x333)", "h")],
      ],
      limits: { imageXattrBytes: 3 * "user.x".length + 6 },
      code: "LIMIT_IMAGE_XATTR_BYTES",
    },
    {
      name: "long files that a later layer replaces",
      layers: [
        () => [{ ...entry("f", "a"), size: 2 ** 40 }],
        () => [{ ...entry("f", "a"), size: 5 }],
      ],
      limits: { logicalBytes: 2 ** 40 + 5 },
      code: "LIMIT_LOGICAL_BYTES",
    },
  ];

  for (const { name, layers, limits, code } of attacks) {
    test(name, () => {
      mergeAll(layers, limits);
      const less = Object.entries(limits).map(([limit, most]) => [limit, most - 1]);
      assert.throws(() => mergeAll(layers, Object.fromEntries(less) as Partial<Limits>), { code });
    });
  }

  test("a million links to themselves are told once", () => {
    const warnings: string[] = [];
    const merge = new LayerMerge(DEFAULT_LIMITS, (message) => warnings.push(message));
    merge.apply({
      hasWhiteouts: false,
      *records() {
        yield entry("f", "a");
        for (let i = 0; i < 1_000_000; i += 1) yield hardlink("a", "a");
      },
    });
    assert.deepEqual(warnings, ['left out "a", a hard link to itself']);
  });
});

test("H24: a link to a large file of a lower layer stores no block again", async (t) => {
  const lower = tar([{ path: "a", data: noiseBytes("large", 1_000_000) }]);
  const upper = tar([{ path: "b", type: "1", linkname: "a" }]);
  const alone = await convertLayers(t, [{ tar: lower }]);
  const linked = await convertLayers(t, [{ tar: lower }, { tar: upper }]);
  assert.equal(linked.files, alone.files + 1);
  assert.ok(linked.size - alone.size <= 4096);
});

test("X06: a file of 1 TiB with one byte in it makes a small image", async (t) => {
  const map = `0,0,${2 ** 40 - 1},1`;
  const pax = { "GNU.sparse.size": `${2 ** 40}`, "GNU.sparse.numblocks": "2" };
  const sparse = { path: "huge", data: "x", pax: { ...pax, "GNU.sparse.map": map } };
  const image = await convertLayers(t, [{ tar: tar([sparse]) }]);
  assert.ok(image.size < 1_000_000, `${image.size} B`);
});

type Layer = () => Iterable<LayerRecord>;

function mergeAll(layers: readonly Layer[], limits: Partial<Limits> = {}): SortedTree {
  const merge = new LayerMerge({ ...DEFAULT_LIMITS, ...limits }, () => undefined);
  for (const records of layers) merge.apply({ hasWhiteouts: true, records });
  return sortTree(merge.tree);
}

/** A record as `notation` says (merge-notation.ts), at another path. */
function entry(notation: string, path: string): LayerRecord {
  const template = templates.get(notation) ?? parseLayer(notation, [])[0];
  if (template === undefined) throw new Error(`not an entry: ${notation}`);
  templates.set(notation, template);
  return { ...template, path: Buffer.from(path) };
}

function link(path: string, target: string): LayerRecord {
  return { ...entry("s>t", path), linkTarget: Buffer.from(target) };
}

function hardlink(path: string, target: string): LayerRecord {
  return { ...entry("a@b", path), linkTarget: Buffer.from(target) };
}

const templates = new Map<string, LayerRecord>();

async function plan(tree: SortedTree): Promise<SquashfsImage> {
  const settings = CODECS.zstd;
  return planSquashfs({
    tree,
    layers: [{ ...NO_BLOCKS }],
    settings,
    compress: await loadBlockCompressor(settings),
    rootOwns: false,
    limits: DEFAULT_LIMITS,
  });
}

const NO_BLOCKS = {
  sizes: new Uint32Array(0),
  checksums: new Uint32Array(0),
  fragments: new Uint32Array(0),
  readBlocks: () => ({ blocks: 0, bytes: 0 }),
};
