import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { digestOf } from "../fixtures/convert-layers.ts";
import type { LayoutImage } from "../real/index.ts";

const MEDIA_TYPES = "application/vnd.oci.image";

/** Writes an OCI image layout with one image of these uncompressed layers, lowest first. */
export async function writeLayout(
  image: LayoutImage,
  layers: readonly Uint8Array[],
): Promise<void> {
  await mkdir(join(image.layout, "blobs", "sha256"), { recursive: true });
  const descriptors = [];
  for (const layer of layers) descriptors.push(await addBlob(image, "layer.v1.tar", layer));
  const config = await addBlob(image, "config.v1+json", {
    architecture: "amd64",
    os: "linux",
    config: {},
    rootfs: { type: "layers", diff_ids: layers.map(digestOf) },
  });
  const manifest = await addBlob(image, "manifest.v1+json", {
    schemaVersion: 2,
    config,
    layers: descriptors,
  });
  const annotations = { "org.opencontainers.image.ref.name": image.tag };
  const index = { schemaVersion: 2, manifests: [{ ...manifest, annotations }] };
  await writeFile(join(image.layout, "index.json"), JSON.stringify(index));
  await writeFile(join(image.layout, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
}

interface BlobDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

async function addBlob(
  { layout }: LayoutImage,
  type: string,
  content: Uint8Array | object,
): Promise<BlobDescriptor> {
  const bytes =
    content instanceof Uint8Array ? content : Buffer.from(JSON.stringify(content), "utf8");
  const digest = digestOf(bytes);
  await writeFile(join(layout, "blobs", ...digest.split(":")), bytes);
  return { mediaType: `${MEDIA_TYPES}.${type}`, digest, size: bytes.length };
}
