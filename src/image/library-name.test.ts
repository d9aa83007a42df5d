import assert from "node:assert/strict";
import { test } from "node:test";
import { formatLibraryName, isLibraryName, libraryNameOf } from "./library-name.ts";

const hex = "0123456789abcdef".repeat(4);
const cloud = "cloud.sylabs.io";

const rows = [
  { text: "library://alpine", host: cloud, path: "alpine", tag: "latest" },
  {
    text: "library://sylabs/tests/signed:1.0",
    host: cloud,
    path: "sylabs/tests/signed",
    tag: "1.0",
  },
  { text: "library:///e/c/n", host: cloud, path: "e/c/n", tag: "latest" },
  { text: `${cloud}/e/n:1`, host: cloud, path: "e/n", tag: "1" },
  { text: "library://lib.example:8/e/c/n:t", host: "lib.example:8", path: "e/c/n", tag: "t" },
];

for (const { text, ...name } of rows) {
  test(`${text} is ${name.path}:${name.tag} of ${name.host}`, () => {
    assert.ok(isLibraryName(text));
    assert.deepEqual(libraryNameOf(text), name);
    assert.deepEqual(libraryNameOf(formatLibraryName(name)), name);
  });
}

for (const text of [`library://e/c/n:sha256.${hex}`, `library://e/c/n@sha256:${hex}`]) {
  test(`${text.slice(0, 24)}… pins the file`, () => {
    assert.deepEqual(libraryNameOf(text), {
      host: cloud,
      path: "e/c/n",
      tag: `sha256.${hex}`,
      digest: `sha256:${hex}`,
    });
  });
}

for (const text of ["alpine", "docker://alpine", "oras://r.example/a", "local.file/a.sif"]) {
  test(`${text} is NOT_LIBRARY`, () => {
    assert.equal(isLibraryName(text), false);
    assert.throws(() => libraryNameOf(text), { code: "NOT_LIBRARY" });
  });
}
