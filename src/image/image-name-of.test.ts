import assert from "node:assert/strict";
import { test } from "node:test";
import { imageNameOf } from "./image-name-of.ts";
import { formatImageName } from "./image-name.ts";
import { parseRef } from "./parse-ref.ts";

const sha = `sha256:${"0123456789abcdef".repeat(4)}`;

const accepted: readonly { text: string; canonical: string }[] = [
  { text: "alpine", canonical: "docker.io/library/alpine:latest" },
  { text: "docker://alpine:3", canonical: "docker.io/library/alpine:3" },
  { text: `docker://r.example/a:1@${sha}`, canonical: `r.example/a@${sha}` },
  { text: "oras://ghcr.io/me/img", canonical: "ghcr.io/me/img:latest" },
  { text: "docker.io/gcr.io/img", canonical: "gcr.io/img:latest" },
  { text: "docker://docker.io/localhost:5000/img", canonical: "localhost:5000/img:latest" },
  { text: "docker.io/user/img", canonical: "docker.io/user/img:latest" },
  { text: "docker://my.sif", canonical: "docker.io/library/my.sif:latest" },
];

for (const { text, canonical } of accepted) {
  test(`imageNameOf ${text}, and of what parseRef makes of it`, () => {
    assert.equal(formatImageName(imageNameOf(text)), canonical);
    assert.deepEqual(imageNameOf(parseRef(text).toString()), imageNameOf(text));
    for (const name of [...parseRef(text).tags(), ...parseRef(text).digests()]) {
      assert.deepEqual(imageNameOf(name), imageNameOf(text));
    }
  });
}

const refused: readonly { text: string; code: string }[] = [
  { text: "library://e/c/n", code: "REFERENCE_TRANSPORT" },
  { text: "cloud.sylabs.io/e/c/n", code: "REFERENCE_TRANSPORT" },
  { text: "local.file/home/me/my.sif", code: "REFERENCE_TRANSPORT" },
  { text: "oci:dir", code: "REFERENCE_TRANSPORT" },
  { text: "./my.sif", code: "REFERENCE_TRANSPORT" },
  { text: "docker://", code: "REFERENCE_INVALID" },
  { text: "docker://Upper", code: "REFERENCE_INVALID" },
  { text: "docker://cloud.sylabs.io/e/c/n", code: "REFERENCE_INVALID" },
];

for (const { text, code } of refused) {
  test(`imageNameOf refuses ${text}`, () => {
    assert.throws(() => imageNameOf(text), { code });
  });
}
