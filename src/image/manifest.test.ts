import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DEFAULT_LIMITS, LimitError } from "../base/index.ts";
import { ImageError } from "./image-error.ts";
import {
  config,
  entry,
  index,
  layer,
  manifest,
  parse,
  parseText,
  sha,
} from "./manifest-fixture.ts";
import { MEDIA_TYPES } from "./media-type.ts";

const { ociManifest, ociIndex, dockerManifest, dockerList } = MEDIA_TYPES;
const types: readonly { name: string; document: object; label?: string; type: string }[] = [
  { name: "a label alone", document: manifest, label: dockerManifest, type: dockerManifest },
  {
    name: "a label with parameters",
    document: manifest,
    label: `${ociManifest}; charset=utf-8`,
    type: ociManifest,
  },
  { name: "a label in other case", document: index, label: ociIndex.toUpperCase(), type: ociIndex },
  {
    name: "the document alone",
    document: { ...manifest, mediaType: dockerManifest },
    type: dockerManifest,
  },
  {
    name: "application/json",
    document: { ...index, mediaType: dockerList },
    label: "application/json",
    type: dockerList,
  },
  {
    name: "text/plain",
    document: { ...index, mediaType: ociIndex },
    label: "text/plain; charset=utf-8",
    type: ociIndex,
  },
  {
    name: "both alike",
    document: { ...index, mediaType: dockerList },
    label: dockerList,
    type: dockerList,
  },
  {
    name: "an empty mediaType",
    document: { ...manifest, mediaType: "" },
    label: ociManifest,
    type: ociManifest,
  },
  { name: "a manifest's members", document: manifest, type: ociManifest },
  {
    name: "an index's members",
    document: index,
    label: "application/octet-stream",
    type: ociIndex,
  },
  { name: "members of null", document: { ...index, config: null, layers: null }, type: ociIndex },
];

for (const { name, document, label, type } of types) {
  test(`the type comes from ${name}`, () => {
    const parsed = parse(document, label);
    assert.equal(parsed.mediaType, type);
    assert.equal(parsed.kind, type === ociIndex || type === dockerList ? "index" : "manifest");
  });
}

test("parseManifestDocument reads a manifest whole", () => {
  const annotations = { "org.opencontainers.image.title": "app.sif" };
  const document = {
    ...manifest,
    mediaType: ociManifest,
    artifactType: "application/x",
    subject: entry,
    annotations,
    unknown: [1],
    layers: [{ ...layer, annotations, urls: ["https://x"], data: "e30=" }],
  };
  assert.deepEqual(parse(document), {
    kind: "manifest",
    mediaType: ociManifest,
    config,
    layers: [{ ...layer, annotations }],
    artifactType: "application/x",
    subject: entry,
    annotations,
  });
});

test("parseManifestDocument reads an index whole, unknown media types too", () => {
  const annotations = { a: "b" };
  const platform = { os: "linux", architecture: "arm64", variant: "v8", "os.features": ["x"] };
  const sbom = { mediaType: "application/x", digest: sha, size: 0, annotations };
  const manifests = [{ ...entry, platform }, sbom, { ...entry, platform: null, annotations: null }];
  assert.deepEqual(parse({ ...index, annotations, manifests }), {
    kind: "index",
    mediaType: ociIndex,
    manifests: [
      {
        ...entry,
        platform: { os: "linux", architecture: "arm64", variant: "v8", osFeatures: ["x"] },
      },
      sbom,
      entry,
    ],
    annotations,
  });
});

test("lists of null are empty", () => {
  assert.deepEqual(parse({ ...manifest, layers: null }, ociManifest), {
    kind: "manifest",
    mediaType: ociManifest,
    config,
    layers: [],
  });
  assert.deepEqual(parse({ schemaVersion: 2, manifests: null }, ociIndex), {
    kind: "index",
    mediaType: ociIndex,
    manifests: [],
  });
});

test("an index's entries of digests that we do not verify are left out", () => {
  const others = [`sha512:${"0".repeat(128)}`, "blake3:ab=_-", "a+b.c_d-e:X"];
  const manifests = [...others.map((digest) => ({ ...entry, digest })), entry];
  const parsed = parse({ ...index, manifests });
  assert.deepEqual(parsed.kind === "index" && parsed.manifests, [entry]);
});

test("more layers than the limit are LIMIT_LAYERS", () => {
  const limits = { ...DEFAULT_LIMITS, layers: 2 };
  parse({ ...manifest, layers: [layer, layer] }, ociManifest, limits);
  const document = { ...manifest, layers: [layer, layer, layer] };
  assert.throws(() => parse(document, ociManifest, limits), { code: "LIMIT_LAYERS" });
});

test("an annotation named __proto__ is an annotation", () => {
  const text = `{"schemaVersion":2,"manifests":[],"annotations":{"__proto__":"x"}}`;
  assert.deepEqual(Object.entries(parseText(text).annotations ?? {}), [["__proto__", "x"]]);
});

test("parseManifestDocument answers any JSON with a document or a coded error", () => {
  const member = fc.oneof(fc.jsonValue(), fc.constantFrom(config, [layer], [entry], sha, 2));
  const documents = fc.record(
    {
      schemaVersion: fc.constantFrom(1, 2),
      mediaType: fc.constantFrom(ociManifest, dockerList),
      config: member,
      layers: member,
      manifests: member,
      annotations: member,
      subject: member,
    },
    { requiredKeys: ["schemaVersion"] },
  );
  const labels = fc.constantFrom(undefined, ociManifest, ociIndex, "text/plain", "x");
  fc.assert(
    fc.property(fc.oneof(documents, fc.jsonValue()), labels, (document, label) => {
      try {
        parse(document, label);
      } catch (error) {
        assert.ok(error instanceof ImageError || error instanceof LimitError);
      }
    }),
    { numRuns: 500 },
  );
});
