import assert from "node:assert/strict";
import { test } from "node:test";
import { parseImageName } from "../image/index.ts";
import { hasAttachments, readAttachmentRules } from "./registries-d.ts";

const YES = { "use-sigstore-attachments": true };
const NO = { "use-sigstore-attachments": false };

function rulesOf(...values: readonly unknown[]): ReturnType<typeof readAttachmentRules> {
  return readAttachmentRules(values.map((value, at) => ({ source: `${at}.yaml`, value })));
}

const rows = [
  { name: "nothing says so", files: [null, {}], found: false },
  { name: "the default says so", files: [{ "default-docker": YES }], found: true },
  {
    name: "its repository says so",
    files: [{ docker: { "r.test/a": YES } }, { "default-docker": NO }],
    found: true,
  },
  { name: "a domain above its host says so", files: [{ docker: { "*.test": YES } }], found: true },
  {
    name: "its repository says no and its host yes",
    files: [{ docker: { "r.test": YES, "r.test/a": NO } }],
    found: false,
  },
  {
    name: "its repository says something else and the default yes",
    files: [{ "default-docker": YES, docker: { "r.test/a": { lookaside: "https://l.test" } } }],
    found: false,
  },
  { name: "another repository says so", files: [{ docker: { "r.test/ab": YES } }], found: false },
];
for (const { name, files, found } of rows) {
  test(`an image ${found ? "has" : "has no"} signatures beside it where ${name}`, () => {
    assert.equal(hasAttachments(rulesOf(...files), parseImageName("r.test/a:1")), found);
  });
}

const refusals: readonly (readonly [string, readonly unknown[]])[] = [
  ["a list", [[]]],
  ["a scope in two files", [{ docker: { a: YES } }, { docker: { a: YES } }]],
  ["two defaults", [{ "default-docker": YES }, { "default-docker": YES }]],
  ["scopes in a list", [{ docker: [] }]],
  ["a rule that is text", [{ docker: { a: "yes" } }]],
  ["a flag that is text", [{ docker: { a: { "use-sigstore-attachments": "true" } } }]],
];
for (const [name, files] of refusals) {
  test(`rules with ${name} are refused`, () => {
    assert.throws(() => rulesOf(...files), { code: "POLICY_INVALID" });
  });
}
