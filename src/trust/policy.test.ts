import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_POLICY, ruleFor } from "./policy.ts";

const POLICY = {
  ...DEFAULT_POLICY,
  names: {
    "reg.test/*": { mode: "required", atLeast: 2 },
    "reg.test/team/*": { atLeast: 3 },
    "*/team/app:1": { mode: "required" },
    "reg.test/team/app:1": { mode: "if-signed" },
    "*debug*": { mode: "required", atLeast: 5 },
  },
} as const;

const cases: readonly (readonly [string | undefined, string, string, number])[] = [
  ["other.test/app:1", "trust", "if-signed", 1],
  [undefined, "trust", "if-signed", 1],
  ["reg.test/app:1", "trust.names: reg.test/*", "required", 2],
  ["reg.test/team/b:1", "trust.names: reg.test/team/*", "if-signed", 3],
  ["other.test/team/app:1", "trust.names: */team/app:1", "required", 1],
  // An exact name says most, however long the others are.
  ["reg.test/team/app:1", "trust.names: reg.test/team/app:1", "if-signed", 1],
  ["x.test/debug:1", "trust.names: *debug*", "required", 5],
  ["reg.test/debug:1", "trust.names: reg.test/*", "required", 2],
];

for (const [name, where, mode, atLeast] of cases) {
  test(`${name ?? "an image without a name"} is judged by ${where}`, () => {
    const rule = ruleFor(POLICY, name);
    assert.deepEqual([rule.where, rule.mode, rule.atLeast], [where, mode, atLeast]);
  });
}
