import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TarItem } from "../fixtures/tar/index.ts";
import { describeTree } from "../fixtures/merge-notation.ts";
import { mergeArchives } from "./merge-outcome.ts";

interface Row {
  readonly id: string;
  readonly layers: readonly (readonly TarItem[])[];
  /** In the notation of merge-notation.ts. */
  readonly result: string;
}

const directory = (path: string): TarItem => ({ path: `${path}/` });
const file = (path: string, data = ""): TarItem => ({ path, data });
const symlink = (path: string, linkname: string): TarItem => ({ path, linkname });
const hardlink = (path: string, linkname: string): TarItem => ({ path, type: "1", linkname });

/** Rows of layers.md §7 that say how names of an archive meet those of the tree. */
const rows: readonly Row[] = [
  { id: "Y07", layers: [[file("./a", "1"), file("a", "2")]], result: "a=2" },
  {
    id: "Y15",
    layers: [[directory("r/s"), symlink("ln", "r/s")], [file("ln/../x", "X")]],
    result: "ln>r/s(0777) r/ r/s/ x=X",
  },
  {
    id: "H15",
    layers: [
      [file("x/a", "A")],
      [hardlink("b", "/x/a"), hardlink("c", "./x/a"), hardlink("e", "x/../x/a")],
    ],
    result: "b=A*4 c=A*4 e=A*4 x/ x/a=A*4",
  },
  { id: "H16", layers: [[file("a", "A"), hardlink("b", "../../a")]], result: "a=A*2 b=A*2" },
  {
    id: "D07",
    layers: [
      ["./", "./a/", "./a//f1", "/a/f2", "a/./f3", "//a/f4", "a/b/../f5"].map((path) => ({ path })),
    ],
    result: "a/ a/f1= a/f2= a/f3= a/f4= a/f5=",
  },
  {
    id: "D08",
    layers: [[file("../evil", "E"), file("/../../evil2", "F"), file("a/../../evil", "G")]],
    result: "evil=G evil2=F",
  },
  { id: "D10", layers: [[directory("d"), { path: "d/", type: "0" }]], result: "d=" },
  {
    id: "D10b",
    layers: [[{ path: "d/", type: "\0", magic: "v7", mode: 0o755 }, file("d/f", "F")]],
    result: "d/ d/f=F",
  },
  {
    id: "W16, markers spelled oddly",
    layers: [
      [file("dd/e", "E"), file("dd/f", "F"), symlink("ln", "/dd/.//")],
      [file("/ln//.wh.f"), file("./dd/./x/../.wh.e")],
    ],
    result: "dd/ ln>/dd/.//(0777)",
  },
  {
    id: "Y01b, marker and directory spelled oddly",
    layers: [
      [file("usr/lib/a", "A"), symlink("lib", "usr/lib")],
      [file("./lib//.wh..wh..opq"), { path: "/./lib/" }],
    ],
    result: "lib/ usr/ usr/lib/ usr/lib/a=A",
  },
  {
    id: "P03f, P03b",
    layers: [
      [
        { path: "a", data: "A", pax: { "SCHILY.xattr.user.x": "1" } },
        { ...hardlink("b", "a"), pax: { "SCHILY.xattr.user.x": "2" } },
        { ...symlink("s", "a"), pax: { "SCHILY.xattr.user.x": "3" } },
      ],
    ],
    result: "a=A(x1)*2 b=A(x1)*2 s>a(0777)",
  },
];

describe("merging archives", () => {
  for (const { id, layers, result } of rows) {
    test(id, () => {
      const { tree, contents } = mergeArchives(layers);
      assert.equal(describeTree(tree, contents), result);
    });
  }
});
