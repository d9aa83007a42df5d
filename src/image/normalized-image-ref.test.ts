import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { normalizedImageRef } from "./normalized-image-ref.ts";
import { parseRef } from "./parse-ref.ts";

const hex = "0123456789abcdef".repeat(4);
const sha = `sha256:${hex}`;

const rows: readonly { text: string; normalized: string }[] = [
  { text: "busybox", normalized: "busybox:latest" },
  { text: "busybox:1", normalized: "busybox:1" },
  { text: "docker.io/busybox", normalized: "busybox:latest" },
  { text: "docker.io/gcr.io/cri-tools/img:1", normalized: "gcr.io/cri-tools/img:1" },
  { text: "gcr.io/cri-tools/img", normalized: "gcr.io/cri-tools/img:latest" },
  { text: `gcr.io/cri-tools/img@${sha}`, normalized: `gcr.io/cri-tools/img@${sha}` },
  { text: "localhost:5000/img", normalized: "localhost:5000/img:latest" },
  { text: "localhost:5000/img:1", normalized: "localhost:5000/img:1" },
  { text: "[::1]:5000/img", normalized: "[::1]:5000/img:latest" },
  { text: "cloud.sylabs.io/me/col/img", normalized: "cloud.sylabs.io/me/col/img:latest" },
  {
    text: `cloud.sylabs.io/me/col/img:sha256.${hex}`,
    normalized: `cloud.sylabs.io/me/col/img:sha256.${hex}`,
  },
  {
    text: "cloud.sylabs.io/me/sha256.col/img",
    normalized: "cloud.sylabs.io/me/sha256.col/img:latest",
  },
  { text: "local.file/home/me/my.sif", normalized: "local.file/home/me/my.sif" },
  { text: "local.file/home/me/my.sif:latest", normalized: "local.file/home/me/my.sif" },
  { text: "local.file/home/me/a:1.sif:latest", normalized: "local.file/home/me/a:1.sif" },
  { text: "local.file/home/me/my.sif:1", normalized: "local.file/home/me/my.sif:1" },
  { text: "docker://busybox", normalized: "busybox:latest" },
  { text: "oras://ghcr.io/me/img", normalized: "ghcr.io/me/img:latest" },
  { text: "library://e/c/n", normalized: "cloud.sylabs.io/e/c/n:latest" },
  { text: "library:///e/c/n:1", normalized: "cloud.sylabs.io/e/c/n:1" },
  { text: "library://localhost:80/e/c/n", normalized: "library://localhost:80/e/c/n:latest" },
  // Malformed text gets the same rules.
  { text: "", normalized: ":latest" },
  { text: "docker.io/", normalized: ":latest" },
  { text: "Upper Case", normalized: "Upper Case:latest" },
  { text: "a/b:", normalized: "a/b:" },
  { text: "a@", normalized: "a@" },
];

for (const { text, normalized } of rows) {
  test(`normalizedImageRef of ${JSON.stringify(text)}`, () => {
    assert.equal(normalizedImageRef(text), normalized);
  });
}

const references = fc
  .tuple(
    fc.constantFrom("busybox", "user/app", "gcr.io/a/b", "localhost:5000/img", "[::1]/a"),
    fc.constantFrom("", ":latest", ":1", `@${sha}`),
    fc.constantFrom("", "docker.io/", "docker://", "oras://"),
  )
  .map(([name, suffix, prefix]) => prefix + name + suffix);

test("normalizedImageRef is the name that parseRef keeps", () => {
  fc.assert(
    fc.property(references, (text) => {
      const ref = parseRef(text);
      assert.deepEqual([...ref.tags(), ...ref.digests()], [normalizedImageRef(text)]);
    }),
    { numRuns: 100 },
  );
});

test("normalizedImageRef never throws", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      assert.equal(typeof normalizedImageRef(text), "string");
    }),
    { numRuns: 200 },
  );
});
