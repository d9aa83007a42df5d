import { DEFAULT_LIMITS, type Limits } from "../base/index.ts";
import { parseManifestDocument, type ManifestDocument } from "./manifest.ts";
import { MEDIA_TYPES } from "./media-type.ts";

type Json = Readonly<Record<string, unknown>>;

export const sha: string = `sha256:${"0123456789abcdef".repeat(4)}`;
export const config: Json = { mediaType: MEDIA_TYPES.ociConfig, digest: sha, size: 2 };
export const layer: Json = {
  mediaType: "application/vnd.oci.image.layer.v1.tar+gzip",
  digest: sha,
  size: 3,
};
export const entry: Json = { mediaType: MEDIA_TYPES.ociManifest, digest: sha, size: 4 };
export const manifest: Json = { schemaVersion: 2, config, layers: [layer] };
export const index: Json = { schemaVersion: 2, manifests: [entry] };

export function parseText(
  text: string,
  label?: string,
  limits: Limits = DEFAULT_LIMITS,
): ManifestDocument {
  return parseManifestDocument(new TextEncoder().encode(text), label, "r.example/app:1", limits);
}

export function parse(
  document: unknown,
  label?: string,
  limits: Limits = DEFAULT_LIMITS,
): ManifestDocument {
  return parseText(JSON.stringify(document), label, limits);
}
