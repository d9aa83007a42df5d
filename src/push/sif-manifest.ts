import { createHash } from "node:crypto";
import { MEDIA_TYPES, parseDigest, SIF_CONFIG, type Descriptor } from "../image/index.ts";

/** The bytes of `SIF_CONFIG`. */
export const SIF_CONFIG_BYTES: Uint8Array = Buffer.from("{}");

/**
 * The manifest of the artifact that a SIF file is pushed as; equal files and titles give equal bytes.
 *
 * @param title - what clients may call the file
 * @returns its descriptor and its bytes
 * @see registry.md §11; OCI image-spec, image manifest
 */
export function sifManifest(
  file: Pick<Descriptor, "digest" | "size">,
  title: string,
): { readonly descriptor: Descriptor; readonly bytes: Uint8Array } {
  const mediaType = MEDIA_TYPES.ociManifest;
  const { digest, size } = file;
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType,
      config: SIF_CONFIG,
      layers: [
        {
          mediaType: MEDIA_TYPES.sifLayer,
          digest,
          size,
          annotations: { "org.opencontainers.image.title": title },
        },
      ],
    }),
  );
  const hex = createHash("sha256").update(bytes).digest("hex");
  return {
    descriptor: { mediaType, digest: parseDigest(`sha256:${hex}`), size: bytes.length },
    bytes,
  };
}
