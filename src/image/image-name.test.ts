import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ImageError } from "./image-error.ts";
import {
  familiarName,
  formatImageName,
  parseImageName,
  repositoryName,
  type ImageName,
} from "./image-name.ts";
import { parseDigest } from "./digest.ts";

const hex = "0123456789abcdef".repeat(4);
const digest = parseDigest(`sha256:${hex}`);

const accepted: readonly { text: string; canonical: string; familiar?: string }[] = [
  { text: "alpine", canonical: "docker.io/library/alpine:latest", familiar: "alpine:latest" },
  { text: "user/app:1", canonical: "docker.io/user/app:1", familiar: "user/app:1" },
  {
    text: "docker.io/alpine",
    canonical: "docker.io/library/alpine:latest",
    familiar: "alpine:latest",
  },
  {
    text: "docker.io/library/alpine",
    canonical: "docker.io/library/alpine:latest",
    familiar: "alpine:latest",
  },
  {
    text: "index.docker.io/alpine",
    canonical: "docker.io/library/alpine:latest",
    familiar: "alpine:latest",
  },
  {
    text: "library/a/b",
    canonical: "docker.io/library/a/b:latest",
    familiar: "library/a/b:latest",
  },
  { text: "localhost/app", canonical: "localhost/app:latest" },
  { text: "localhost:5000/app", canonical: "localhost:5000/app:latest" },
  {
    text: "192.168.0.1:80",
    canonical: "docker.io/library/192.168.0.1:80",
    familiar: "192.168.0.1:80",
  },
  { text: "192.168.0.1:80/a", canonical: "192.168.0.1:80/a:latest" },
  {
    text: `localhost:8080@${digest}`,
    canonical: `docker.io/library/localhost@${digest}`,
    familiar: `localhost@${digest}`,
  },
  { text: "[fc00::1]:5000/docker", canonical: "[fc00::1]:5000/docker:latest" },
  { text: "[::1]/a", canonical: "[::1]/a:latest" },
  { text: "[FC00:0::1]/a", canonical: "[FC00:0::1]/a:latest" },
  { text: "Docker/docker", canonical: "Docker/docker:latest" },
  {
    text: "foo_bar/app",
    canonical: "docker.io/foo_bar/app:latest",
    familiar: "foo_bar/app:latest",
  },
  { text: "a.b/c__d/e---f/g.h:V_1.-x", canonical: "a.b/c__d/e---f/g.h:V_1.-x" },
  { text: "xn--7o8h.com/a", canonical: "xn--7o8h.com/a:latest" },
  { text: `r.example/${hex}`, canonical: `r.example/${hex}:latest` },
  { text: `${hex}:1`, canonical: `docker.io/library/${hex}:1`, familiar: `${hex}:1` },
  { text: `r.example/a:v1@${digest}`, canonical: `r.example/a@${digest}` },
  {
    text: `busybox@${digest}`,
    canonical: `docker.io/library/busybox@${digest}`,
    familiar: `busybox@${digest}`,
  },
  { text: `r.example/${"a".repeat(255)}`, canonical: `r.example/${"a".repeat(255)}:latest` },
  {
    text: `a:${"t".repeat(128)}`,
    canonical: `docker.io/library/a:${"t".repeat(128)}`,
    familiar: `a:${"t".repeat(128)}`,
  },
  {
    text: "docker.io/gcr.io/a",
    canonical: "docker.io/gcr.io/a:latest",
    familiar: "docker.io/gcr.io/a:latest",
  },
];

for (const { text, canonical, familiar } of accepted) {
  test(`parseImageName reads ${text}`, () => {
    const name = parseImageName(text);
    assert.equal(formatImageName(name), canonical);
    assert.equal(familiarName(name), familiar ?? canonical);
    assert.deepEqual(parseImageName(canonical), name);
    assert.deepEqual(parseImageName(familiarName(name)), name);
  });
}

test("parseImageName drops the tag beside a digest", () => {
  const name = parseImageName(`localhost:5000/app:1@${digest}`);
  assert.deepEqual(name, { domain: "localhost:5000", repository: "app", digest });
  assert.equal(repositoryName(name), "localhost:5000/app");
});

const refused: readonly { name: string; text: string }[] = [
  { name: "no text", text: "" },
  { name: "a bare image id", text: hex },
  { name: "an address without a path", text: "[fc00::1]:5000" },
  { name: "a zone id", text: "[fe80::1%eth0]:5000/x" },
  { name: "an underscore in a domain", text: "foo_bar.com:8080/app" },
  { name: "an upper-case repository", text: "Foo/FarB" },
  { name: "an upper-case Hub name", text: "Busybox" },
  { name: "an empty component", text: "a//b" },
  { name: "a leading dash", text: "-docker" },
  { name: "a trailing dash", text: "docker-" },
  { name: "a URL", text: "https://r/x" },
  { name: "an empty tag", text: "a/b:" },
  { name: "two tags", text: "a/b:1:2" },
  { name: "a tag of 129 characters", text: `a:${"t".repeat(129)}` },
  { name: "a tag that begins with a dot", text: "a:.1" },
  { name: "a short digest", text: "a@sha256:short" },
  { name: "an empty digest", text: "a@" },
  { name: "an upper-case digest", text: `a@sha256:${hex.toUpperCase()}` },
  { name: "two digests", text: `a@${digest}@${digest}` },
  { name: "a digest that we cannot verify", text: `a@sha512:${hex}${hex}` },
  { name: "a repository of 256 characters", text: `r.example/${"a".repeat(256)}` },
  { name: "library/ past 255 characters", text: "a".repeat(248) },
  { name: "three underscores", text: "a___b" },
  { name: "two dots", text: "a..b" },
  { name: "dot components", text: "r.example/../x" },
  { name: "percent escapes", text: "r.example/%2e%2e/x" },
  { name: "an empty domain label", text: "a..b/x" },
  { name: "an empty port", text: "localhost:/x" },
  { name: "a port that does not exist", text: "localhost:65536/x" },
  { name: "an address that does not exist", text: "1.2.3.4.5/x" },
  { name: "an IPv6 address that does not exist", text: "[1:2]/x" },
  { name: "loopback written as another host", text: "0x7f.1/x" },
  { name: "a space", text: "a b" },
  { name: "a line break at the end", text: "a\n" },
  { name: "a password", text: "me:secret@r.example/x" },
  { name: "text without an end", text: "a/".repeat(100_000) },
];

for (const { name, text } of refused) {
  test(`parseImageName refuses ${name}`, () => {
    assert.throws(
      () => parseImageName(text),
      (error) =>
        error instanceof ImageError &&
        error.code === "REFERENCE_INVALID" &&
        error.message.includes("expected") &&
        !error.message.includes("secret") &&
        !error.message.includes("\n"),
    );
  });
}

test("formatImageName writes a repository alone when there is neither tag nor digest", () => {
  assert.equal(formatImageName({ domain: "r.example", repository: "a" }), "r.example/a");
});

const component = fc.stringMatching(/^[a-z0-9]{1,5}([._-][a-z0-9]{1,5})?$/);
const names: fc.Arbitrary<ImageName> = fc
  .record({
    domain: fc.constantFrom("docker.io", "localhost:5000", "[::1]:1", "R.example", "10.0.0.1"),
    path: fc.array(component, { minLength: 1, maxLength: 3 }),
    tag: fc.option(fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,9}$/), { nil: undefined }),
  })
  .map(({ domain, path, tag }) => ({
    domain,
    repository:
      domain === "docker.io" && path.length === 1 ? `library/${path.join()}` : path.join("/"),
    ...(tag === undefined ? { digest } : { tag }),
  }));

test("parseImageName undoes formatImageName and familiarName", () => {
  fc.assert(
    fc.property(names, (name) => {
      assert.deepEqual(parseImageName(formatImageName(name)), name);
      assert.deepEqual(parseImageName(familiarName(name)), name);
    }),
    { numRuns: 300 },
  );
});

test("parseImageName answers any text with a name or its own error", () => {
  const pieces = fc.constantFrom(
    "a",
    "A",
    "/",
    ":",
    "@",
    ".",
    "-",
    "_",
    "[",
    "]",
    "1",
    hex,
    "sha256:",
  );
  const texts = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(pieces).map((all) => all.join("")),
  );
  fc.assert(
    fc.property(texts, (text) => {
      try {
        const name = parseImageName(text);
        assert.deepEqual(parseImageName(formatImageName(name)), name);
      } catch (error) {
        assert.ok(error instanceof ImageError && error.code === "REFERENCE_INVALID");
      }
    }),
    { numRuns: 500 },
  );
});
