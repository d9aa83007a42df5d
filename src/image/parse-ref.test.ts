import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ImageError } from "./image-error.ts";
import { parseRef } from "./parse-ref.ts";

const hex = "0123456789abcdef".repeat(4);
const sha = `sha256:${hex}`;

interface Row {
  readonly text: string;
  readonly uri: string;
  readonly tag?: string;
  readonly digest?: string;
}

const docker = "docker.io";
const library = "cloud.sylabs.io";

const accepted: readonly Row[] = [
  // The table of image-api.md.
  { text: "busybox", uri: docker, tag: "busybox:latest" },
  { text: "docker.io/gcr.io/cri-tools/img:1", uri: docker, tag: "gcr.io/cri-tools/img:1" },
  { text: `gcr.io/cri-tools/img@${sha}`, uri: docker, digest: `gcr.io/cri-tools/img@${sha}` },
  { text: `${library}/me/col/img`, uri: library, tag: `${library}/me/col/img:latest` },
  {
    text: `${library}/me/col/img:sha256.${hex}`,
    uri: library,
    digest: `${library}/me/col/img:sha256.${hex}`,
  },
  { text: "local.file/home/me/my.sif", uri: "local.file", tag: "local.file/home/me/my.sif" },
  { text: "local.file/home/me/my.sif:latest", uri: "local.file", tag: "local.file/home/me/my.sif" },
  // Registries.
  { text: "localhost:5000/img", uri: docker, tag: "localhost:5000/img:latest" },
  { text: "docker.io/localhost:5000/img", uri: docker, tag: "localhost:5000/img:latest" },
  { text: "[::1]:5000/img", uri: docker, tag: "[::1]:5000/img:latest" },
  { text: "Docker/docker", uri: docker, tag: "Docker/docker:latest" },
  { text: `busybox:1@${sha}`, uri: docker, digest: `busybox@${sha}` },
  { text: "docker.io/library/busybox", uri: docker, tag: "busybox:latest" },
  { text: "index.docker.io/library/busybox", uri: docker, tag: "busybox:latest" },
  { text: "index.docker.io/gcr.io/img", uri: docker, tag: "gcr.io/img:latest" },
  { text: "docker.io/docker.io/gcr.io/img", uri: docker, tag: "gcr.io/img:latest" },
  { text: "docker.io/user/app:1", uri: docker, tag: "user/app:1" },
  { text: `docker.io/${hex}`, uri: docker, tag: `${hex}:latest` },
  { text: "192.168.0.1:80", uri: docker, tag: "192.168.0.1:80" },
  { text: "docker.io:1", uri: docker, tag: "docker.io:1" },
  { text: "app:v1.sif", uri: docker, tag: "app:v1.sif" },
  { text: "my.sif:latest", uri: docker, tag: "my.sif:latest" },
  // Transports.
  { text: "docker://alpine:3", uri: docker, tag: "alpine:3" },
  { text: "docker://docker.io/alpine:3", uri: docker, tag: "alpine:3" },
  { text: "oras://ghcr.io/me/img:1", uri: docker, tag: "ghcr.io/me/img:1" },
  { text: "docker://my.sif", uri: docker, tag: "my.sif:latest" },
  { text: "library://e/c/n", uri: library, tag: `${library}/e/c/n:latest` },
  { text: "library:///e/c/n:1", uri: library, tag: `${library}/e/c/n:1` },
  { text: "library://alpine", uri: library, tag: `${library}/alpine:latest` },
  { text: "library://user/alpine:3", uri: library, tag: `${library}/user/alpine:3` },
  { text: "library://cloud.sylabs.io/e/c/n:1", uri: library, tag: `${library}/e/c/n:1` },
  { text: "library://lib.example.org/e/c/n:1", uri: "library://lib.example.org", tag: "e/c/n:1" },
  { text: "library://localhost:8080/e/c/n", uri: "library://localhost:8080", tag: "e/c/n:latest" },
  {
    text: `library://[::1]:80/e/c/n:sha256.${hex}`,
    uri: "library://[::1]:80",
    digest: `e/c/n:sha256.${hex}`,
  },
  // Libraries: only the tag can be a digest.
  { text: `${library}/me/sha256.col/img:1`, uri: library, tag: `${library}/me/sha256.col/img:1` },
  { text: `library://e/c/n@${sha}`, uri: library, digest: `${library}/e/c/n:sha256.${hex}` },
  { text: `library://e/c/n:1@${sha}`, uri: library, digest: `${library}/e/c/n:sha256.${hex}` },
  { text: "gcr.io/sha256.d/img:1", uri: docker, tag: "gcr.io/sha256.d/img:1" },
  // Local files.
  {
    text: "local.file/home/Me/a:1@2 b.SIF",
    uri: "local.file",
    tag: "local.file/home/Me/a:1@2 b.SIF",
  },
];

for (const { text, uri, tag, digest } of accepted) {
  test(`parseRef reads ${text}`, () => {
    const ref = parseRef(text);
    assert.equal(ref.uri(), uri);
    assert.deepEqual(ref.tags(), tag === undefined ? [] : [tag]);
    assert.deepEqual(ref.digests(), digest === undefined ? [] : [digest]);
    assert.deepEqual(parseRef(ref.toString()), ref);
  });
}

test("parseRef of a library's name with its host prints what was written", () => {
  const text = "library://lib.example.org/e/c/n:1";
  assert.equal(parseRef(text).toString(), text);
});

const transports = [
  "oci:dir",
  "oci:dir:tag",
  "oci-archive:file.tar",
  "docker-archive:/tmp/file.tar",
  "docker-daemon:app:1",
  "shub://me/app",
  "https://r.example/app",
  "DOCKER://alpine",
  "/home/me/my.sif",
  "./my.sif",
  "../my",
  ".",
  "~/my.sif",
  "my.sif",
  "images/My.SIF",
];

for (const text of transports) {
  test(`parseRef refuses ${text} as no reference`, () => {
    assert.throws(() => parseRef(text), { code: "REFERENCE_TRANSPORT" });
  });
}

const malformed: readonly { name: string; text: string }[] = [
  { name: "no text", text: "" },
  { name: "an image id", text: hex },
  { name: "upper case", text: "Busybox" },
  { name: "a short digest", text: "busybox@sha256:123" },
  { name: "an empty tag", text: "busybox:" },
  { name: "docker.io alone", text: "docker.io" },
  { name: "docker.io and a slash", text: "docker.io/" },
  { name: "cloud.sylabs.io alone", text: "cloud.sylabs.io" },
  { name: "local.file alone", text: "local.file" },
  { name: "a library in a registry's place", text: "docker.io/cloud.sylabs.io/e/c" },
  { name: "a local file in a registry's place", text: "docker://local.file/home/me/app" },
  { name: "docker:// alone", text: "docker://" },
  { name: "two transports", text: "docker://docker://alpine" },
  { name: "library:// alone", text: "library://" },
  { name: "an empty part of a library's name", text: "library://e//n" },
  { name: "an upper-case library's name", text: "library://E/c/n" },
  { name: "five parts of a library's name", text: "library://h/e/c/n/x" },
  { name: "four parts behind cloud.sylabs.io", text: "cloud.sylabs.io/h/e/c/n" },
  { name: "a library's host without three parts", text: "library://localhost:80/e/c" },
  { name: "a library's host that is none", text: "library://a_b/e/c/n" },
  { name: "dots in a library's name", text: "library://e/../n" },
  { name: "an empty tag of a library's name", text: "library://e/c/n:" },
  { name: "a list of tags", text: "library://e/c/n:1,2" },
  { name: "a short hash of a library's image", text: "library://e/c/n:sha256.123" },
  {
    name: "an upper-case hash of a library's image",
    text: `library://e/c/n:sha256.${hex.toUpperCase()}`,
  },
  { name: "a wrong digest of a library's image", text: "library://e/c/n@sha256:123" },
  { name: "a query on a library's name", text: "library://e/c/n?arch=amd64" },
  { name: "a local file without a path", text: "local.file/" },
  { name: "a local folder", text: "local.file/home/" },
  { name: "a path that climbs", text: "local.file/home/../etc/shadow" },
  { name: "a path with two slashes", text: "local.file//etc/shadow" },
  { name: "a path that is a tag", text: "local.file/:latest" },
  { name: "a file whose name ends in :latest", text: "local.file/my:latest:latest" },
  { name: "a path with a NUL", text: "local.file/my\0.sif" },
  { name: "a path with a line break", text: "local.file/my\n.sif" },
  { name: "a path with half a surrogate pair", text: "local.file/\ud800" },
  { name: "a path that is too long", text: `local.file/${"a".repeat(5000)}` },
];

for (const { name, text } of malformed) {
  test(`parseRef refuses ${name}`, () => {
    assert.throws(
      () => parseRef(text),
      (error) => error instanceof ImageError && error.code === "REFERENCE_INVALID",
    );
  });
}

const pieces = fc.constantFrom(
  ...[
    "a",
    "B",
    "1",
    "/",
    ":",
    "@",
    ".",
    "-",
    ".sif",
    ":latest",
    "latest",
    sha,
    `:sha256.${hex}`,
    hex,
  ],
  ...["docker.io", "index.docker.io", "localhost", "gcr.io", "cloud.sylabs.io", "local.file"],
  ...["docker://", "oras://", "library://", "[::1]", "e/c/n", "lib.example.org/", "library/"],
);
const texts = fc.oneof(
  fc.array(pieces, { maxLength: 8 }).map((all) => all.join("")),
  fc.array(pieces, { minLength: 1, maxLength: 5 }).map((all) => all.join("/")),
  fc.string({ unit: "binary" }),
);

test("parseRef answers any text with a reference that survives its text, or its own error", () => {
  fc.assert(
    fc.property(texts, (text) => {
      try {
        const ref = parseRef(text);
        assert.equal(ref.tags().length + ref.digests().length, 1);
        assert.deepEqual(parseRef(ref.toString()), ref);
      } catch (error) {
        assert.ok(error instanceof ImageError);
        assert.match(error.code, /^REFERENCE_(INVALID|TRANSPORT)$/);
      }
    }),
    { numRuns: 3000 },
  );
});
