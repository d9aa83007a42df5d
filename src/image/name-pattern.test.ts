import assert from "node:assert/strict";
import { test } from "node:test";
import { isNamePattern, matchesNamePattern } from "./name-pattern.ts";

const rows: readonly (readonly [pattern: string, name: string, matches: boolean])[] = [
  ["registry.k8s.io/pause:3.9", "registry.k8s.io/pause:3.9", true],
  ["registry.k8s.io/pause:3.9", "registry.k8s.io/pause:3.90", false],
  ["registry.k8s.io/pause*", "registry.k8s.io/pause:3.9", true],
  ["registry.k8s.io/pause*", "eu.registry.k8s.io/pause:3.9", false],
  ["*pause*", "registry.k8s.io/pause:3.9", true],
  ["*pause*", "registry.k8s.io/paus:3.9", false],
  ["*:stable", "registry.example/app:stable", true],
  ["*:stable", "registry.example/app:stable2", false],
  ["pause*", "", false],
];

for (const [pattern, name, matches] of rows) {
  test(`${pattern} ${matches ? "stands" : "does not stand"} for ${JSON.stringify(name)}`, () => {
    assert.ok(isNamePattern(pattern));
    assert.equal(matchesNamePattern(name, [pattern]), matches);
    assert.equal(matchesNamePattern(name, ["nothing", pattern]), matches);
  });
}

for (const text of ["", "*", "**", "a*b", "a b", "a\nb", "a".repeat(513)]) {
  test(`${JSON.stringify(text.slice(0, 20))} is no pattern`, () => {
    assert.equal(isNamePattern(text), false);
  });
}

test("no patterns stand for nothing", () => {
  assert.equal(matchesNamePattern("busybox", []), false);
});
