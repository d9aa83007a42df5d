import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DEFAULT_LIMITS, LimitError } from "../base/index.ts";
import { ImageError } from "./image-error.ts";
import { parseManifestDocument, type ManifestDocument } from "./manifest.ts";
import { MEDIA_TYPES } from "./media-type.ts";

const sha = `sha256:${"0123456789abcdef".repeat(4)}`;
const config = { mediaType: MEDIA_TYPES.ociConfig, digest: sha, size: 2 };
const layer = { mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", digest: sha, size: 3 };
const entry = { mediaType: MEDIA_TYPES.ociManifest, digest: sha, size: 4 };
const manifest = { schemaVersion: 2, config, layers: [layer] };
const index = { schemaVersion: 2, manifests: [entry] };

function parseText(text: string, label?: string, limits = DEFAULT_LIMITS): ManifestDocument {
  return parseManifestDocument(new TextEncoder().encode(text), label, "r.example/app:1", limits);
}

function parse(document: unknown, label?: string, limits = DEFAULT_LIMITS): ManifestDocument {
  return parseText(JSON.stringify(document), label, limits);
}

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

const schema1 = "application/vnd.docker.distribution.manifest.v1+json";
const signed1 = "application/vnd.docker.distribution.manifest.v1+prettyjws";
const withEntry = (changes: object): object => ({
  ...index,
  manifests: [{ ...entry, ...changes }],
});
const withLayer = (changes: object): object => ({
  ...manifest,
  layers: [{ ...layer, ...changes }],
});

const refused: readonly { name: string; document: unknown; label?: string; code: string }[] = [
  { name: "a list", document: [], code: "MANIFEST_INVALID" },
  { name: "null", document: null, code: "MANIFEST_INVALID" },
  {
    name: "no schemaVersion",
    document: { config, layers: [] },
    label: ociManifest,
    code: "MANIFEST_INVALID",
  },
  {
    name: "schemaVersion 3",
    document: { ...manifest, schemaVersion: 3 },
    code: "MANIFEST_INVALID",
  },
  {
    name: "schemaVersion as text",
    document: { ...manifest, schemaVersion: "2" },
    code: "MANIFEST_INVALID",
  },
  { name: "neither shape", document: { schemaVersion: 2 }, code: "MANIFEST_INVALID" },
  {
    name: "a mediaType that is no text",
    document: { ...manifest, mediaType: 1 },
    code: "MANIFEST_INVALID",
  },
  { name: "no layers", document: { schemaVersion: 2, config }, code: "MANIFEST_INVALID" },
  { name: "layers as an object", document: { ...manifest, layers: {} }, code: "MANIFEST_INVALID" },
  {
    name: "no manifests",
    document: { schemaVersion: 2 },
    label: ociIndex,
    code: "MANIFEST_INVALID",
  },
  {
    name: "a manifest labelled index",
    document: manifest,
    label: ociIndex,
    code: "MANIFEST_INVALID",
  },
  {
    name: "an index labelled manifest",
    document: index,
    label: dockerManifest,
    code: "MANIFEST_INVALID",
  },
  {
    name: "annotations as a list",
    document: { ...manifest, annotations: [] },
    code: "MANIFEST_INVALID",
  },
  {
    name: "an artifactType that is no text",
    document: { ...manifest, artifactType: {} },
    code: "MANIFEST_INVALID",
  },
  // CVE-2021-41190: one digest must not be two images.
  {
    name: "another label than its mediaType",
    document: { ...manifest, mediaType: ociManifest },
    label: dockerManifest,
    code: "MANIFEST_INVALID",
  },
  {
    name: "the label of the other kind",
    document: { ...manifest, mediaType: ociManifest },
    label: ociIndex,
    code: "MANIFEST_INVALID",
  },
  {
    name: "manifests beside layers",
    document: { ...index, layers: [] },
    label: ociIndex,
    code: "MANIFEST_INVALID",
  },
  {
    name: "manifests beside config",
    document: { ...index, config },
    label: ociIndex,
    code: "MANIFEST_INVALID",
  },
  {
    name: "config and layers beside manifests",
    document: { ...manifest, manifests: [] },
    label: ociManifest,
    code: "MANIFEST_INVALID",
  },
  {
    name: "fsLayers beside layers",
    document: { ...manifest, fsLayers: [] },
    label: ociManifest,
    code: "MANIFEST_INVALID",
  },
  { name: "a schema 1 label", document: manifest, label: schema1, code: "MANIFEST_SCHEMA1" },
  { name: "a signed schema 1 label", document: {}, label: signed1, code: "MANIFEST_SCHEMA1" },
  {
    name: "a schema 1 mediaType",
    document: { ...manifest, mediaType: signed1 },
    code: "MANIFEST_SCHEMA1",
  },
  {
    name: "schema 1 without a label",
    document: { schemaVersion: 1, fsLayers: [] },
    code: "MANIFEST_SCHEMA1",
  },
  {
    name: "schema 1 as application/json",
    document: { schemaVersion: 1 },
    label: "application/json",
    code: "MANIFEST_SCHEMA1",
  },
  {
    name: "schema 1 labelled OCI",
    document: { schemaVersion: 1 },
    label: ociManifest,
    code: "MANIFEST_SCHEMA1",
  },
  {
    name: "an unknown label",
    document: manifest,
    label: "text/html",
    code: "MANIFEST_UNSUPPORTED",
  },
  {
    name: "an unknown mediaType",
    document: { ...manifest, mediaType: "application/x" },
    code: "MANIFEST_UNSUPPORTED",
  },
  { name: "no config", document: { schemaVersion: 2, layers: [] }, code: "DESCRIPTOR_INVALID" },
  {
    name: "a layer of null",
    document: { ...manifest, layers: [null] },
    code: "DESCRIPTOR_INVALID",
  },
  {
    name: "a layer without mediaType",
    document: withLayer({ mediaType: undefined }),
    code: "DESCRIPTOR_INVALID",
  },
  {
    name: "a layer without digest",
    document: withLayer({ digest: null }),
    code: "DESCRIPTOR_INVALID",
  },
  {
    name: "a layer without size",
    document: withLayer({ size: undefined }),
    code: "DESCRIPTOR_INVALID",
  },
  { name: "a negative size", document: withLayer({ size: -1 }), code: "DESCRIPTOR_INVALID" },
  { name: "half a byte", document: withLayer({ size: 1.5 }), code: "DESCRIPTOR_INVALID" },
  {
    name: "a size past 2^53 - 1",
    document: withLayer({ size: 2 ** 53 }),
    code: "DESCRIPTOR_INVALID",
  },
  { name: "a size in a string", document: withLayer({ size: "3" }), code: "DESCRIPTOR_INVALID" },
  {
    name: "annotations of numbers",
    document: withLayer({ annotations: { a: 1 } }),
    code: "DESCRIPTOR_INVALID",
  },
  {
    name: "a platform that is no object",
    document: withEntry({ platform: "linux" }),
    code: "DESCRIPTOR_INVALID",
  },
  {
    name: "an os that is no text",
    document: withEntry({ platform: { os: 1 } }),
    code: "DESCRIPTOR_INVALID",
  },
  {
    name: "os.features that are no list",
    document: withEntry({ platform: { os: "linux", "os.features": "x" } }),
    code: "DESCRIPTOR_INVALID",
  },
  {
    name: "an entry without a size",
    document: withEntry({ size: null }),
    code: "DESCRIPTOR_INVALID",
  },
  {
    name: "a layer of sha512",
    document: withLayer({ digest: `sha512:${"0".repeat(128)}` }),
    code: "DIGEST_INVALID",
  },
  {
    name: "a config of sha512",
    document: { ...manifest, config: { ...config, digest: "sha512:00" } },
    code: "DIGEST_INVALID",
  },
  {
    name: "a subject of sha512",
    document: { ...manifest, subject: { ...entry, digest: "sha512:00" } },
    code: "DIGEST_INVALID",
  },
  { name: "a short digest", document: withLayer({ digest: "sha256:00" }), code: "DIGEST_INVALID" },
  {
    name: "an upper-case digest",
    document: withEntry({ digest: sha.toUpperCase() }),
    code: "DIGEST_INVALID",
  },
  {
    name: "a short sha256 entry",
    document: withEntry({ digest: "sha256:00" }),
    code: "DIGEST_INVALID",
  },
  {
    name: "an entry's path for a digest",
    document: withEntry({ digest: "sha512:../../x" }),
    code: "DIGEST_INVALID",
  },
];

for (const { name, document, label, code } of refused) {
  test(`parseManifestDocument refuses ${name}`, () => {
    assert.throws(
      () => parse(document, label),
      (error) =>
        error instanceof ImageError &&
        error.code === code &&
        error.message.startsWith("r.example/app:1"),
    );
  });
}

const texts = [
  { name: "no JSON", text: "<html>" },
  { name: "a member twice", text: '{"schemaVersion":2,"layers":[],"layers":[]}' },
  {
    name: "a member twice in a descriptor",
    text: '{"schemaVersion":2,"layers":[{"size":1,"size":2}]}',
  },
  { name: "two documents", text: "{}{}" },
];

for (const { name, text } of texts) {
  test(`parseManifestDocument refuses ${name}`, () => {
    assert.throws(() => parseText(text, ociManifest), { code: "MANIFEST_INVALID" });
  });
}

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
