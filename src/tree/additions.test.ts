import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DEFAULT_LIMITS } from "../base/index.ts";
import { describeTree, parseLayer, type Contents } from "../../test/fixtures/merge-notation.ts";
import { applyAdditions, type AdditionPolicy } from "./additions.ts";
import { LayerMerge } from "./layer-merge.ts";

interface Row {
  readonly name: string;
  readonly layer: string;
  readonly added: string;
  readonly policy: AdditionPolicy;
  readonly result: string;
}

const rows: readonly Row[] = [
  { name: "adds what is absent", layer: "", added: "a=A", policy: "if-absent", result: "a=A" },
  { name: "keeps what is there", layer: "a=B", added: "a=A", policy: "if-absent", result: "a=B" },
  { name: "replaces a file", layer: "a/ a/b", added: "a=A", policy: "replace", result: "a=A" },
  {
    name: "replaces a link and not what it leads to",
    layer: "a>b b=B",
    added: "a=A",
    policy: "replace",
    result: "a=A b=B",
  },
  {
    name: "changes a directory's attributes alone",
    layer: "a/(0700,u7) a/b",
    added: "a/",
    policy: "replace",
    result: "a/ a/b",
  },
  {
    name: "replaces links and nothing else",
    layer: "a>x b=B",
    added: "a=A b=A",
    policy: "replace-symlink",
    result: "a=A b=B",
  },
  {
    name: "keeps a link with the same target",
    layer: "a>x(u7) b>xx(u7)",
    added: "a>x b>x",
    policy: "replace-symlink",
    result: "a>x(u7) b>x",
  },
  {
    name: "follows links on the way",
    layer: "d/ l>d",
    added: "l/a=A",
    policy: "if-absent",
    result: "d/ d/a=A l>d",
  },
  { name: "makes no parents", layer: "", added: "d/a", policy: "if-absent", result: "" },
  { name: "adds nothing below a file", layer: "d", added: "d/a", policy: "replace", result: "d" },
  {
    name: "adds nothing below links in a circle",
    layer: "d>e e>d",
    added: "d/a",
    policy: "if-absent",
    result: "d>e e>d",
  },
  {
    name: "adds nothing below a link to nothing",
    layer: "d>e",
    added: "d/a",
    policy: "if-absent",
    result: "d>e",
  },
  {
    name: "takes a name of a hard link alone",
    layer: "a=B b@a",
    added: "a=A",
    policy: "replace",
    result: "a=A b=B",
  },
];

describe("applyAdditions", () => {
  for (const { name, layer, added, policy, result } of rows) {
    test(name, () => {
      const contents: Contents = [];
      const merge = new LayerMerge(DEFAULT_LIMITS, () => undefined);
      const records = parseLayer(layer, contents);
      merge.apply({ hasWhiteouts: false, records: () => records });
      const additions = parseLayer(added, contents).map((record) => ({ record, policy }));
      applyAdditions(merge.tree, additions, 2);
      assert.equal(describeTree(merge.tree, contents), result);
    });
  }
});
