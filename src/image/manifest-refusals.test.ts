import assert from "node:assert/strict";
import { test } from "node:test";
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

const { ociManifest, ociIndex, dockerManifest } = MEDIA_TYPES;
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
