import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { mergeScopes, repositoryScope } from "./scope.ts";

const merged: readonly (readonly [scopes: readonly string[], result: readonly string[]])[] = [
  [[], []],
  [["repository:a:pull", repositoryScope("a", "pull")], ["repository:a:pull"]],
  [["repository:a:push,pull", "repository:a:delete"], ["repository:a:delete,pull,push"]],
  [
    ["repository:b:pull", "repository:a:pull"],
    ["repository:b:pull", "repository:a:pull"],
  ],
  [["repository:h.test:5000/a:pull"], ["repository:h.test:5000/a:pull"]],
  [
    ["repository(plugin):a:pull", "repository:a:pull"],
    ["repository(plugin):a:pull", "repository:a:pull"],
  ],
  [["registry:catalog:*"], ["registry:catalog:*"]],
  [
    ["openid", "a:b", "openid"],
    ["openid", "a:b"],
  ],
];
for (const [scopes, result] of merged) {
  test(`the scopes [${scopes.join(" ")}] are [${result.join(" ")}]`, () => {
    assert.deepEqual(mergeScopes(scopes), result);
  });
}

test("merging again changes nothing", () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[a-c:,]{1,8}$/)), (scopes) => {
      const once = mergeScopes(scopes);
      assert.deepEqual(mergeScopes(once), once);
    }),
    { numRuns: 300 },
  );
});
