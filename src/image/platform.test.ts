import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Descriptor } from "./descriptor.ts";
import { parseDigest } from "./digest.ts";
import { ImageError } from "./image-error.ts";
import { MEDIA_TYPES } from "./media-type.ts";
import {
  choosePlatform,
  formatPlatform,
  hostPlatform,
  normalizePlatform,
  parsePlatform,
} from "./platform.ts";

const normal: readonly { text: string; is: string }[] = [
  { text: "linux/amd64", is: "linux/amd64" },
  { text: "linux/amd64/v1", is: "linux/amd64" },
  { text: "linux/amd64/v3", is: "linux/amd64/v3" },
  { text: "linux/x86_64", is: "linux/amd64" },
  { text: "linux/x86-64", is: "linux/amd64" },
  { text: "Linux/AMD64", is: "linux/amd64" },
  { text: "linux/aarch64", is: "linux/arm64" },
  { text: "linux/arm64/v8", is: "linux/arm64" },
  { text: "linux/arm64/8", is: "linux/arm64" },
  { text: "linux/arm64/v8.0", is: "linux/arm64" },
  { text: "linux/arm64/v8.2", is: "linux/arm64/v8.2" },
  { text: "linux/arm64/9.0", is: "linux/arm64/v9" },
  { text: "linux/arm", is: "linux/arm/v7" },
  { text: "linux/arm/6", is: "linux/arm/v6" },
  { text: "linux/armhf", is: "linux/arm/v7" },
  { text: "linux/armel", is: "linux/arm/v6" },
  { text: "linux/i386", is: "linux/386" },
  { text: "macos/arm64", is: "darwin/arm64" },
  { text: "linux/ppc64le/power9", is: "linux/ppc64le/power9" },
  { text: "linux/s390x", is: "linux/s390x" },
];

for (const { text, is } of normal) {
  test(`parsePlatform reads ${text} as ${is}`, () => {
    const platform = parsePlatform(text);
    assert.equal(formatPlatform(platform), is);
    assert.deepEqual(normalizePlatform(platform), platform);
  });
}

for (const text of [
  "",
  "linux",
  "linux/",
  "/amd64",
  "linux/amd64/",
  "linux/arm/v7/x",
  "linux/a b",
  "linux/ä",
  `linux/${"a".repeat(65)}`,
]) {
  test(`parsePlatform refuses ${JSON.stringify(text.slice(0, 20))}`, () => {
    assert.throws(() => parsePlatform(text), { code: "PLATFORM_INVALID" });
  });
}

test("parsePlatform undoes formatPlatform, or throws its own error", () => {
  const parts = fc.array(
    fc.constantFrom("linux", "arm64", "arm", "amd64", "v8", "v9.0", "", "a b"),
    { maxLength: 4 },
  );
  fc.assert(
    fc.property(
      fc.oneof(
        parts.map((all) => all.join("/")),
        fc.string(),
      ),
      (text) => {
        try {
          const platform = parsePlatform(text);
          assert.deepEqual(parsePlatform(formatPlatform(platform)), platform);
        } catch (error) {
          assert.ok(error instanceof ImageError && error.code === "PLATFORM_INVALID");
        }
      },
    ),
    { numRuns: 300 },
  );
});

const hosts: readonly { arch: string; is: string }[] = [
  { arch: "x64", is: "linux/amd64" },
  { arch: "arm64", is: "linux/arm64" },
  { arch: "arm", is: "linux/arm/v7" },
  { arch: "ia32", is: "linux/386" },
  { arch: "ppc64", is: "linux/ppc64le" },
  { arch: "mipsel", is: "linux/mipsle" },
  { arch: "riscv64", is: "linux/riscv64" },
  { arch: "s390x", is: "linux/s390x" },
  { arch: "loong64", is: "linux/loong64" },
];

for (const { arch, is } of hosts) {
  test(`the host ${arch} runs ${is}`, () => {
    assert.equal(formatPlatform(hostPlatform(arch)), is);
  });
}

/** Entries of an index; the size tells them apart. */
function entriesOf(platforms: readonly (string | undefined)[], changes: object = {}): Descriptor[] {
  return platforms.map((text, size) => {
    const [os = "", architecture = "", variant] = text?.split("/") ?? [];
    const platform = { os, architecture, ...(variant === undefined ? {} : { variant }) };
    return {
      mediaType: MEDIA_TYPES.ociManifest,
      digest: parseDigest(`sha256:${"0".repeat(64)}`),
      size,
      ...(text === undefined ? {} : { platform }),
      ...changes,
    };
  });
}

const choices: readonly {
  name: string;
  index: readonly (string | undefined)[];
  wanted: string;
  chosen: number | undefined;
}[] = [
  {
    name: "the same platform",
    index: ["linux/arm64", "linux/amd64"],
    wanted: "linux/amd64",
    chosen: 1,
  },
  {
    name: "the first of equals",
    index: ["linux/amd64", "linux/amd64/v1"],
    wanted: "linux/amd64",
    chosen: 0,
  },
  { name: "another spelling", index: ["linux/aarch64"], wanted: "linux/arm64", chosen: 0 },
  { name: "another os", index: ["darwin/amd64"], wanted: "linux/amd64", chosen: undefined },
  {
    name: "windows, even when it is wanted",
    index: ["windows/amd64"],
    wanted: "windows/amd64",
    chosen: undefined,
  },
  { name: "an empty index", index: [], wanted: "linux/amd64", chosen: undefined },
  {
    name: "the best level of amd64",
    index: ["linux/amd64", "linux/amd64/v4", "linux/amd64/v2"],
    wanted: "linux/amd64/v3",
    chosen: 2,
  },
  {
    name: "no higher level of amd64",
    index: ["linux/amd64/v2"],
    wanted: "linux/amd64",
    chosen: undefined,
  },
  { name: "never 386 for amd64", index: ["linux/386"], wanted: "linux/amd64", chosen: undefined },
  {
    name: "the best level of arm",
    index: ["linux/arm/v5", "linux/arm/v6"],
    wanted: "linux/arm/v7",
    chosen: 1,
  },
  {
    name: "arm without variant as v7",
    index: ["linux/arm/v6", "linux/arm"],
    wanted: "linux/arm/v7",
    chosen: 1,
  },
  { name: "no arm v7 for v6", index: ["linux/arm/v7"], wanted: "linux/arm/v6", chosen: undefined },
  {
    name: "never arm for arm64",
    index: ["linux/arm/v7"],
    wanted: "linux/arm64",
    chosen: undefined,
  },
  { name: "arm64 v8 for v8.2", index: ["linux/arm64"], wanted: "linux/arm64/v8.2", chosen: 0 },
  {
    name: "the best of arm64 v8.x",
    index: ["linux/arm64/v8.1", "linux/arm64/v8.3", "linux/arm64/v8.2"],
    wanted: "linux/arm64/v8.2",
    chosen: 2,
  },
  {
    name: "arm64 v8.5 for v9",
    index: ["linux/arm64/v8.6", "linux/arm64/v8.5", "linux/arm64"],
    wanted: "linux/arm64/v9",
    chosen: 1,
  },
  {
    name: "arm64 v9 before v8.x",
    index: ["linux/arm64/v8.5", "linux/arm64/v9"],
    wanted: "linux/arm64/v9.1",
    chosen: 1,
  },
  {
    name: "no arm64 v9 for v8",
    index: ["linux/arm64/v9"],
    wanted: "linux/arm64/v8.9",
    chosen: undefined,
  },
  {
    name: "other architectures exactly",
    index: ["linux/ppc64le/power9", "linux/ppc64le"],
    wanted: "linux/ppc64le",
    chosen: 1,
  },
  {
    name: "other variants exactly",
    index: ["linux/riscv64"],
    wanted: "linux/riscv64/rva22u64",
    chosen: undefined,
  },
  {
    name: "a variant without levels exactly",
    index: ["linux/arm64", "linux/arm64/apple"],
    wanted: "linux/arm64/apple",
    chosen: 1,
  },
  {
    name: "past attestations",
    index: ["unknown/unknown", "linux/amd64"],
    wanted: "linux/amd64",
    chosen: 1,
  },
  {
    name: "the only image, unnamed",
    index: ["unknown/unknown", undefined],
    wanted: "linux/amd64",
    chosen: 1,
  },
  {
    name: "none of two unnamed images",
    index: [undefined, undefined],
    wanted: "linux/amd64",
    chosen: undefined,
  },
  {
    name: "past unnamed images",
    index: [undefined, "linux/amd64"],
    wanted: "linux/amd64",
    chosen: 1,
  },
];

for (const { name, index, wanted, chosen } of choices) {
  test(`choosePlatform takes ${name}`, () => {
    assert.equal(choosePlatform(entriesOf(index), parsePlatform(wanted))?.size, chosen);
  });
}

const wanted = parsePlatform("linux/amd64");

test("choosePlatform passes attestations by their annotation", () => {
  const annotations = { "vnd.docker.reference.type": "attestation-manifest" };
  assert.equal(choosePlatform(entriesOf(["linux/amd64"], { annotations }), wanted), undefined);
  assert.equal(choosePlatform(entriesOf([undefined], { annotations }), wanted), undefined);
});

test("choosePlatform passes what is neither manifest nor index", () => {
  const other = entriesOf([undefined, "linux/amd64"], { mediaType: "application/x" });
  assert.equal(choosePlatform(other, wanted), undefined);
  const [image] = entriesOf([undefined], { mediaType: MEDIA_TYPES.dockerList });
  assert.ok(image);
  assert.equal(choosePlatform([...other, image], wanted), image);
});

test("choosePlatform passes images that ask the host for features", () => {
  const platform = { os: "linux", architecture: "amd64", osFeatures: ["x"] };
  const entries = entriesOf(["linux/amd64"], { platform });
  assert.equal(choosePlatform(entries, wanted), undefined);
  assert.equal(choosePlatform(entries, { ...wanted, osFeatures: ["x"] }), entries[0]);
});
