import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DEFAULT_LIMITS } from "../base/index.ts";
import type { LayerRecord } from "../packs/index.ts";
import { LayerMerge } from "./layer-merge.ts";
import { describeTree, parseLayer, type Contents } from "../../test/fixtures/merge-notation.ts";

interface Row {
  readonly id: string;
  /** Layers lowest first, in the notation of merge-notation.ts. */
  readonly layers: readonly string[];
  /** What is there in the end, or the code of the error. */
  readonly result: string | { readonly code: string };
}

const rows: Record<string, readonly Row[]> = {
  whiteouts: [
    { id: "W01", layers: ["a/ a/f a/g", "a/ a/.wh.f"], result: "a/ a/g" },
    { id: "W02", layers: ["a/ a/b/ a/b/f a/x", "a/ a/.wh.b a/bar"], result: "a/ a/bar a/x" },
    { id: "W03", layers: ["a/ a/b/ a/b/f a/x", "a/ a/.wh..wh..opq a/bar"], result: "a/ a/bar" },
    { id: "W04", layers: ["a/ a/b/ a/b/f a/x", "a/ a/bar a/.wh..wh..opq"], result: "a/ a/bar" },
    {
      id: "W05",
      layers: ["a/ a/b/ a/b/c/ a/b/c/bar", "a/.wh..wh..opq a/b/ a/b/c/ a/b/c/foo"],
      result: "a/ a/b/ a/b/c/ a/b/c/foo",
    },
    {
      id: "W05b",
      layers: [
        "a/(m1) a/b/(m2) a/b/c/(m3) a/b/c/bar",
        "a/b/(m5) a/b/c/(m6) a/b/c/foo a/.wh..wh..opq",
      ],
      result: "a/(m1) a/b/(m5) a/b/c/(m6) a/b/c/foo",
    },
    {
      id: "W05c",
      layers: ["a/(0700,u7,m9) a/x", "a/.wh..wh..opq a/n"],
      result: "a/(0700,u7,m9) a/n",
    },
    {
      id: "W05d",
      layers: ["a/ a/b/(0700,u7,m9) a/b/old", "a/.wh..wh..opq a/b/new"],
      result: "a/ a/b/ a/b/new",
    },
    { id: "W06", layers: ["f=old", ".wh.f f=new"], result: "f=new" },
    { id: "W07", layers: ["f=old", "f=new .wh.f"], result: "f=new" },
    { id: "W08", layers: ["d/ d/old", ".wh.d d/ d/new"], result: "d/ d/new" },
    { id: "W09", layers: ["d/ d/old", "d/ d/new .wh.d"], result: "d/ d/new" },
    {
      id: "W09b",
      layers: ["d/(0700,u7,m9) d/old", "d/new .wh.d"],
      result: "d/(0700,u7,m9) d/new",
    },
    { id: "W10", layers: ["f", ".wh.nope"], result: "f" },
    { id: "W11", layers: ["f", "x/.wh.y"], result: "f" },
    { id: "W11b", layers: ["f", "x/.wh..wh..opq"], result: "f" },
    { id: "W12", layers: ["f", ".wh."], result: { code: "TREE_WHITEOUT" } },
    { id: "W13 dot", layers: ["a/ a/f", "a/.wh.."], result: { code: "TREE_WHITEOUT" } },
    { id: "W13 dots", layers: ["a/ a/f", "a/.wh..."], result: { code: "TREE_WHITEOUT" } },
    {
      id: "W14",
      layers: ["f", ".wh..wh.plnk/ .wh..wh.plnk/1.2 .wh..wh.aufs .wh..wh.orph/"],
      result: "f",
    },
    { id: "W14b", layers: [".wh..wh.plnk/1.2=X f@.wh..wh.plnk/1.2"], result: "f=X" },
    { id: "W15", layers: ["a/ a/f r", ".wh..wh..opq n"], result: "n" },
    { id: "W16", layers: ["dd/ dd/f ln>dd", "ln/.wh.f"], result: "dd/ ln>dd" },
    { id: "W17 directory", layers: ["f", ".wh.f/"], result: "" },
    { id: "W17 device", layers: ["f", ".wh.f:c0.0"], result: "" },
    { id: "W17 content", layers: ["f", ".wh.f=x"], result: "" },
    { id: "W19", layers: ["f", "f:c0.0"], result: "f:c0.0" },
    { id: "W20", layers: ["f(u1)", ".wh.f", "f=three(u3)"], result: "f=three(u3)" },
    { id: "W21", layers: ["f", ".wh.dir/ .wh.dir/x"], result: "f" },
    {
      id: "Y01",
      layers: ["usr/ usr/lib/ usr/lib/a lib>usr/lib", "lib/ lib/.wh..wh..opq lib/b"],
      result: "lib/ lib/b usr/ usr/lib/ usr/lib/a",
    },
    {
      id: "Y01b",
      layers: ["usr/ usr/lib/ usr/lib/a lib>usr/lib", "lib/.wh..wh..opq lib/ lib/b"],
      result: "lib/ lib/b usr/ usr/lib/ usr/lib/a",
    },
    { id: "Y02", layers: ["usr/ usr/a lib>usr", ".wh.lib"], result: "usr/ usr/a" },
    { id: "Y03", layers: ["a", "a/.wh.x"], result: "a" },
    {
      id: "Y04",
      layers: ["d/(0700,u7) d/o", ".wh.d d/(m4) d/.wh..wh..opq d/n"],
      result: "d/(m4) d/n",
    },
    { id: "Y11", layers: ["d/(0700) d/a", "d/(0750,g4)"], result: "d/(0750,g4) d/a" },
    { id: "Y12", layers: ["d/(0700,u7,m9) d/a", ".wh.d", "d/b"], result: "d/ d/b" },
    { id: "Y13", layers: ["a", "./(0711) .wh..wh..opq"], result: "/(0711)" },
    {
      id: "W05 all lower things go, however deep, and no new one",
      layers: ["a/ a/b/ a/b/c/ a/b/c/d a/b/e", "a/b/c/n a/.wh..wh..opq"],
      result: "a/ a/b/ a/b/c/ a/b/c/n",
    },
    {
      id: "W16 opaque through a link",
      layers: ["dd/ dd/f ln>dd", "ln/n ln/.wh..wh..opq"],
      result: "dd/ dd/n ln>dd",
    },
    {
      id: "W16 a link that this layer makes",
      layers: ["dd/ dd/f", "ln>dd ln/.wh.f"],
      result: "dd/ ln>dd",
    },
    {
      id: "W16 a link that leads past what is not there",
      layers: ["q/ q/f s>nowhere/../q", "s/.wh.f"],
      result: "q/ s>nowhere/../q",
    },
    { id: "W16 links in a circle", layers: ["s>s", "s/.wh.f"], result: { code: "TREE_LINK_LOOP" } },
    {
      id: "Y01b a directory that the layer calls by way of a link",
      layers: ["lib>usr q/ q/f usr/ usr/k>../q", "lib/k/.wh..wh..opq lib/k/"],
      result: "lib>usr q/ q/f usr/ usr/k/",
    },
    {
      id: "a name of two links: hiding one hides no other",
      layers: ["a=A", "b@a .wh.a"],
      result: "b=A",
    },
    {
      id: "a marker inside directories that only it names makes none",
      layers: ["f", "x/y/.wh.f x/.wh..wh..opq"],
      result: "f",
    },
    {
      id: "W14b only AUFS' own files can be linked to",
      layers: [".wh.dir/x=X b@.wh.dir/x"],
      result: { code: "TREE_LINK_TARGET" },
    },
    { id: ".wh..wh. alone is AUFS' too", layers: ["f .wh..wh."], result: "f" },
    { id: "a whiteout that is a link", layers: ["f g", ".wh.f>g .wh.g@nowhere"], result: "" },
  ],
  "type changes and parents": [
    { id: "T01", layers: ["p", "p/ p/c"], result: "p/ p/c" },
    { id: "T02", layers: ["p/ p/c", "p"], result: "p" },
    { id: "T03", layers: ["p/ p/c q/", "p>q"], result: "p>q q/" },
    { id: "T04", layers: ["q/ q/c p>q", "p/ p/n"], result: "p/ p/n q/ q/c" },
    {
      id: "T05",
      layers: ["usr/ usr/lib/(m9) lib>usr/lib", "lib/foo"],
      result: "lib>usr/lib usr/ usr/lib/(m9) usr/lib/foo",
    },
    {
      id: "T05b",
      layers: ["usr/ usr/lib/ lib>/usr/lib", "lib/foo"],
      result: "lib>/usr/lib usr/ usr/lib/ usr/lib/foo",
    },
    {
      id: "T05c",
      layers: ["lib>nowhere/x", "lib/foo"],
      result: "lib>nowhere/x nowhere/ nowhere/x/ nowhere/x/foo",
    },
    { id: "T05d", layers: ["a>b b>a", "a/foo"], result: { code: "TREE_LINK_LOOP" } },
    { id: "T05e", layers: ["a>../../../e", "a/foo"], result: "a>../../../e e/ e/foo" },
    { id: "T06", layers: ["d/ d/f o/", "d>o d/x"], result: "d>o o/ o/x" },
    {
      id: "T07",
      layers: ["usr/ usr/lib/ usr/lib/a lib>usr/lib", "lib/ lib/b"],
      result: "lib/ lib/b usr/ usr/lib/ usr/lib/a",
    },
    { id: "T08", layers: ["a", "a/b"], result: "a/ a/b" },
    { id: "T09", layers: ["a a/b"], result: "a/ a/b" },
    { id: "T10", layers: ["t=target s>t", "s=new"], result: "s=new t=target" },
    { id: "T11", layers: ["s>x", "s>y"], result: "s>y" },
    { id: "Y06", layers: ["t s>t", "s/x"], result: { code: "TREE_PARENT" } },
    { id: "Y14", layers: ["a/ a/b/ a/b/up>../..", "a/b/up/x"], result: "a/ a/b/ a/b/up>../.. x" },
    {
      id: "Y06 a file that a link behind a link leads to",
      layers: ["d/ d/f b>d a>b/f", "a/x"],
      result: { code: "TREE_PARENT" },
    },
    { id: "T08 below a link", layers: ["d/ d/f b>d", "b/f/x"], result: "b>d d/ d/f/ d/f/x" },
    {
      id: "T05c .. takes back what is not there",
      layers: ["s>nowhere/../q", "s/x"],
      result: "q/ q/x s>nowhere/../q",
    },
    {
      id: "T05c .. takes back a file",
      layers: ["f s>f/../q", "s/x"],
      result: "f q/ q/x s>f/../q",
    },
    {
      id: "T05c a link that comes where nothing was",
      layers: ["d/ d/e/ s>n/../q", "s/x n>d/e s/y"],
      result: "d/ d/e/ d/q/ d/q/y n>d/e q/ q/x s>n/../q",
    },
    {
      id: "D12 a link to a name of 256 bytes",
      layers: [`s>${"n".repeat(256)}`, "s/x"],
      result: { code: "TREE_PARENT" },
    },
    {
      id: "T06 again, the link replaced by a directory in between",
      layers: ["o/", "d>o d/x d/ d/y"],
      result: "d/ d/y o/ o/x",
    },
    { id: "S01", layers: ["a>/x b>../../.. c>c"], result: "a>/x b>../../.. c>c" },
    { id: "N01", layers: ["c:c1.3 b:b8.1 f:f"], result: "b:b8.1 c:c1.3 f:f" },
    { id: "N01 replaced", layers: ["c:c1.3 b:b8.1 f:f", "c b>c f:b8.2"], result: "b>c c f:b8.2" },
    { id: "Y16", layers: ["e>/../../etc", "e/x"], result: "e>/../../etc etc/ etc/x" },
  ],
  "hard links": [
    { id: "H01", layers: ["a b@a"], result: "a*2 b*2" },
    { id: "H02", layers: ["a", "b@a"], result: "a*2 b*2" },
    { id: "H03", layers: ["a=A b@a", ".wh.a"], result: "b=A" },
    { id: "H04", layers: ["a=AA b@a", "a=NEW"], result: "a=NEW b=AA" },
    { id: "H05", layers: ["b@a a=A"], result: "a=A*2 b=A*2" },
    { id: "H06", layers: ["t s>t h@s"], result: "h>t*2 s>t*2 t" },
    { id: "H07", layers: ["b@a"], result: { code: "TREE_LINK_TARGET" } },
    { id: "H08", layers: ["a/ b@a"], result: { code: "TREE_LINK_TARGET" } },
    { id: "H09", layers: ["r/ r/x=X sl>r b@sl/x"], result: "b=X*2 r/ r/x=X*2 sl>r" },
    { id: "H10", layers: ["a=A a@a"], result: "a=A" },
    { id: "H11", layers: ["a=A b@a", "c@b .wh.a"], result: "b=A*2 c=A*2" },
    { id: "H12", layers: ["a(u1) b@a(0700,u9,m9)"], result: "a(u1)*2 b(u1)*2" },
    { id: "H13", layers: ["a(u1)", "b@a(u9)"], result: "a(u1)*2 b(u1)*2" },
    { id: "H17", layers: ["a=v1 b@a a=v2"], result: "a=v2 b=v1" },
    { id: "H18", layers: ["a=old", "b@a a=new"], result: "a=new b=old" },
    { id: "H19", layers: ["a=old", ".wh.a b@a"], result: "b=old" },
    { id: "H19b", layers: ["a=old", "b@a .wh.a"], result: "b=old" },
    { id: "H20", layers: ["f:f g@f c:c1.3 d@c"], result: "c:c1.3*2 d:c1.3*2 f:f*2 g:f*2" },
    { id: "H21", layers: ["p/ p/c a=A", "p@a"], result: "a=A*2 p=A*2" },
    { id: "H22", layers: ["d/ d/a=A b@d/a", "d/.wh..wh..opq"], result: "b=A d/" },
    { id: "Y05", layers: ["a=old", ".wh.a b=new a@b"], result: "a=new*2 b=new*2" },
    { id: "Y08", layers: ["a=A", "b@a", ".wh.a c@b", ".wh.b"], result: "c=A" },
    { id: "Y09", layers: ["d/ d/a=A", "d/ d/b@d/a d/.wh..wh..opq"], result: "d/ d/b=A" },
    { id: "Y10", layers: ["d/ d/a=A", "d/ d/.wh..wh..opq d/b@d/a"], result: "d/ d/b=A" },
    { id: "H05 by two steps", layers: ["c@b b@a a=A"], result: "a=A*3 b=A*3 c=A*3" },
    { id: "H05 the other way round", layers: ["b@a c@b a=A"], result: "a=A*3 b=A*3 c=A*3" },
    { id: "H05 over its own name", layers: ["b=new b@a a=A"], result: "a=A*2 b=A*2" },
    { id: "H05 over its own directory", layers: ["b/x b@a a=A"], result: "a=A*2 b=A*2" },
    { id: "H05 replaced", layers: ["b@a b=new a=A"], result: "a=A b=new" },
    { id: "H05 replaced, linked before", layers: ["b@a c@b b=n a=A"], result: "a=A*2 b=n c=A*2" },
    { id: "H05 whose directory goes", layers: ["d/b@a d a=A"], result: "a=A d" },
    {
      id: "H05 in a directory that is hidden",
      layers: ["d/(0700) d/old", "d/b@a .wh.d a=A"],
      result: "a=A*2 d/(0700) d/b=A*2",
    },
    { id: "H05 hidden itself", layers: ["b=old", "b@a .wh.b a=A"], result: "a=A*2 b=A*2" },
    { id: "H05 to a link", layers: ["h@s s>t h/x", "g@h"], result: { code: "TREE_LINK_TARGET" } },
    { id: "H05 to a symlink", layers: ["h@s s>t"], result: "h>t*2 s>t*2" },
    { id: "H05 to itself", layers: ["a@a"], result: { code: "TREE_LINK_TARGET" } },
    { id: "H05 to each other", layers: ["a@b b@a"], result: { code: "TREE_LINK_TARGET" } },
    { id: "H05 into a circle", layers: ["c@a a@b b@a"], result: { code: "TREE_LINK_TARGET" } },
    { id: "H05 to a directory", layers: ["b@a a/"], result: { code: "TREE_LINK_TARGET" } },
    { id: "H05 to its replacement", layers: ["a@a a=A"], result: "a=A" },
    { id: "H07 replaced", layers: ["b@a b=new"], result: { code: "TREE_LINK_TARGET" } },
    { id: "H08 hidden", layers: ["d/ d/x", ".wh.d b@d"], result: { code: "TREE_LINK_TARGET" } },
    {
      id: "H08 hidden, then a file",
      layers: ["d/ d/x", ".wh.d b@d d=D"],
      result: "b=D*2 d=D*2",
    },
    { id: "H10 of a lower layer", layers: ["a=A", "a@a .wh.a"], result: "a=A" },
    { id: "H15", layers: ["x/ x/a=A", "b@x/a c@x/a"], result: "b=A*3 c=A*3 x/ x/a=A*3" },
    { id: "H19 replaced", layers: ["d/ d/a=A", "d b@d/a"], result: "b=A d" },
    {
      id: "H19 by way of a link",
      layers: ["r/ r/x=X sl>r", "r/.wh.x b@sl/x"],
      result: "b=X r/ sl>r",
    },
    {
      id: "H19 by way of a link that is replaced",
      layers: ["q/ r/ r/x=X sl>r", "sl>q b@sl/x"],
      result: "b=X*2 q/ r/ r/x=X*2 sl>q",
    },
    {
      id: "H19 a name that was never in a lower layer",
      layers: ["a=A", "d/b@a d c@d/b"],
      result: { code: "TREE_LINK_TARGET" },
    },
    {
      id: "H19 of the layer below the last is gone",
      layers: ["a=A", ".wh.a", "b@a"],
      result: { code: "TREE_LINK_TARGET" },
    },
    { id: "H21 a link into what it replaces", layers: ["p/ p/c=C p@p/c"], result: "p=C" },
    { id: "H23", layers: ["a=A(x1)", "b@a", ".wh.a"], result: "b=A(x1)" },
  ],
  "duplicates and the root": [
    { id: "D01", layers: ["a=v1(u1) a=v2(u2)"], result: "a=v2(u2)" },
    { id: "D02", layers: ["a/(0700) a/x a/(0711)"], result: "a/(0711) a/x" },
    { id: "D02b", layers: ["a a/ a/x"], result: "a/ a/x" },
    { id: "D02c", layers: ["a/ a/x a"], result: "a" },
    { id: "D03", layers: ["x/y/f"], result: "x/ x/y/ x/y/f" },
    { id: "D04", layers: ["x/y/f x/(0700,u5,m3)"], result: "x/(0700,u5,m3) x/y/ x/y/f" },
    { id: "D05", layers: ["a/(0700,u1) a/f", "a/(u2)"], result: "a/(u2) a/f" },
    { id: "Y07", layers: ["a=1 a=2"], result: "a=2" },
    { id: "D06", layers: ["a/(m7)", "a/f"], result: "a/(m7) a/f" },
    { id: "D09", layers: ["./(0700,u5,g6,m2) f"], result: "/(0700,u5,g6,m2) f" },
    {
      id: "D09b",
      layers: ["./(0700,u5,x1) f", "./(0711,g6,m2)"],
      result: "/(0711,g6,m2) f",
    },
    { id: "P03", layers: ["a/(x1)", "a/"], result: "a/" },
    { id: "P03f", layers: ["a b@a(x1)"], result: "a*2 b*2" },
    { id: "P04", layers: ["a(m-5) b(m8589934592)"], result: "a b(m4294967295)" },
    { id: "Z01", layers: [""], result: "" },
    { id: "Z01 no layers", layers: [], result: "" },
    { id: "Z02", layers: ["a=A", ".wh.a", "a=A"], result: "a=A" },
    {
      id: "Z06",
      layers: [".no.prefetch.landmark=x a=A stargz.index.json={}"],
      result: ".no.prefetch.landmark=x a=A stargz.index.json={}",
    },
    { id: "Z07", layers: ["a=A b=B", ".wh.a .wh.b b=A a=B"], result: "a=B b=A" },
  ],
};

for (const [group, list] of Object.entries(rows)) {
  describe(`merging: ${group}`, () => {
    for (const { id, layers, result } of list) {
      test(`${id}: ${layers.join(" ; ")}`, () => {
        if (typeof result === "string") assert.equal(merged(layers), result);
        else assert.throws(() => merged(layers), result);
      });
    }
  });
}

test("a layer with more entries than the limit is refused", () => {
  const merge = new LayerMerge({ ...DEFAULT_LIMITS, entries: 2 }, () => undefined);
  const records = parseLayer("a b c", []);
  assert.throws(
    () => {
      merge.apply({ hasWhiteouts: false, records: () => records });
    },
    { code: "LIMIT_ENTRIES" },
  );
});

test("Z03: 300 layers merge, the topmost wins", () => {
  const layers = Array.from({ length: 300 }, (_, i) => `f=${i} l${i}`);
  const result = merged(layers).split(" ");
  assert.equal(result.length, 301);
  assert.equal(result[0], "f=299");
});

test("a name that is as long as a name may be, and one that is not UTF-8, are kept", () => {
  const name = Buffer.alloc(255, 0x61);
  const odd = Buffer.from([0x69, 0xff, 0xfe]);
  const [template] = parseLayer("f", []);
  assert.ok(template !== undefined);
  const merge = new LayerMerge(DEFAULT_LIMITS, () => undefined);
  const records: LayerRecord[] = [name, odd].map((path) => ({ ...template, path }));
  merge.apply({ hasWhiteouts: false, records: () => records });
  const names = [...merge.tree.children(0)].map((node) => Buffer.from(merge.tree.names.name(node)));
  assert.deepEqual(
    names.sort((a, b) => a.compare(b)),
    [name, odd],
  );
});

function merged(layers: readonly string[]): string {
  const contents: Contents = [];
  const merge = new LayerMerge(DEFAULT_LIMITS, () => undefined);
  for (const layer of layers) {
    const records = parseLayer(layer, contents);
    merge.apply({ hasWhiteouts: layer.includes(".wh."), records: () => records });
  }
  return describeTree(merge.tree, contents);
}

test("a whiteout hides a name of 255 bytes", () => {
  const name = "n".repeat(255);
  assert.equal(merged([`d/ d/${name}`, `d/.wh.${name}`]), "d/");
});
