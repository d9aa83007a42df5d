import { createHash } from "node:crypto";
import type { Limits } from "../base/index.ts";
import {
  formatArchiveInput,
  ImageError,
  MEDIA_TYPES,
  parseDigest,
  parseImageConfig,
  type ArchiveInput,
  type Descriptor,
  type Digest,
} from "../image/index.ts";
import { SNIFFED_BYTES, sniffCompression, type LayerCompression } from "../layers/index.ts";
import { archiveInvalid } from "./archive-error.ts";
import { readFrom, readSmall, type ArchiveFile, type ArchiveFiles } from "./archive-files.ts";
import { ArchiveSource } from "./archive-source.ts";
import { chooseImage } from "./archived-image.ts";
import { readDockerManifest, type DockerEntry } from "./docker-manifest.ts";
import type { FoundImage } from "./found-image.ts";

const LAYER_TYPES: Readonly<Record<LayerCompression, string>> = {
  none: "application/vnd.oci.image.layer.v1.tar",
  gzip: "application/vnd.oci.image.layer.v1.tar+gzip",
  zstd: "application/vnd.oci.image.layer.v1.tar+zstd",
};

interface DockerOptions {
  readonly limits: Limits;
  readonly warn: (message: string) => void;
}

/**
 * Finds the image that `input` means in what `docker save` or `podman save` wrote, and describes it
 * by a manifest, which such an archive has none of. What the configuration says of the layers decides:
 * a plain layer's digest is its diffID, so that nothing is hashed before it is used; a compressed one
 * is hashed here, and its diffID checked where it is decompressed.
 *
 * @throws ArchiveError `ARCHIVE_INVALID`, `ARCHIVE_UNSUPPORTED`, `ARCHIVE_AMBIGUOUS`; ImageError
 *   `NOT_FOUND`, `JSON_INVALID`, `CONFIG_INVALID`, `DIGEST_INVALID`; LayerError `LAYER_COMPRESSION`;
 *   LimitError
 * @see registry.md §8
 */
export async function findInDockerArchive(
  files: ArchiveFiles,
  input: ArchiveInput,
  options: DockerOptions,
  signal: AbortSignal,
): Promise<FoundImage> {
  const what = formatArchiveInput({ ...input, choice: { kind: "only" } });
  const entry = chooseImage(await readDockerManifest(files, options.limits, what), input);
  const blobs = new DockerBlobs(files);
  const config = await readConfig(files, entry, what, options);
  const layers = await describeLayers(files, entry, config.diffIds, blobs, what, signal);
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.ociManifest,
      config: blobs.putBytes(MEDIA_TYPES.ociConfig, config.bytes),
      layers,
    }),
  );
  const { limits } = options;
  const root = blobs.putBytes(MEDIA_TYPES.ociManifest, manifest);
  const source = new ArchiveSource(root, blobs, { limits, what });
  return { source, names: entry.names };
}

/** The blobs of the manifest that was made: bytes in memory, and files of the archive. */
class DockerBlobs {
  readonly #files: ArchiveFiles;
  readonly #bytes = new Map<Digest, Uint8Array>();
  readonly #names = new Map<Digest, string>();

  constructor(files: ArchiveFiles) {
    this.#files = files;
  }

  putBytes(mediaType: string, bytes: Uint8Array): Descriptor {
    const digest = parseDigest(`sha256:${createHash("sha256").update(bytes).digest("hex")}`);
    this.#bytes.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  }

  putFile(digest: Digest, name: string): void {
    this.#names.set(digest, name);
  }

  async open({ digest }: Descriptor): Promise<ArchiveFile | undefined> {
    const bytes = this.#bytes.get(digest);
    if (bytes !== undefined) return inMemory(bytes);
    const name = this.#names.get(digest);
    return name === undefined ? undefined : await this.#files.open(name);
  }
}

function inMemory(bytes: Uint8Array): ArchiveFile {
  return {
    size: bytes.length,
    part: undefined,
    read: (position, length) => Promise.resolve(bytes.slice(position, position + length)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function readConfig(
  files: ArchiveFiles,
  { config: name }: DockerEntry,
  archive: string,
  { limits, warn }: DockerOptions,
): Promise<{ readonly bytes: Uint8Array; readonly diffIds: readonly Digest[] }> {
  const what = `configuration of ${archive}`;
  const bytes = await readSmall(files, name, { limits, limit: "configBytes", what });
  if (bytes === undefined) throw archiveInvalid(archive, `a configuration ${name}, got none`);
  const hex = createHash("sha256").update(bytes).digest("hex");
  // The name is all that could have said what the file must be.
  if (!name.includes(hex)) warn(`${what}: ${name} has the SHA-256 ${hex}, which its name is not`);
  return { bytes, diffIds: parseImageConfig(bytes, what).diffIds };
}

async function describeLayers(
  files: ArchiveFiles,
  entry: DockerEntry,
  diffIds: readonly Digest[],
  blobs: DockerBlobs,
  what: string,
  signal: AbortSignal,
): Promise<readonly Descriptor[]> {
  if (entry.layers.length !== diffIds.length) {
    throw new ImageError(
      "CONFIG_INVALID",
      `${what}: it lists ${entry.layers.length} layers, its configuration ${diffIds.length} diffIDs`,
    );
  }
  const known = new Map<string, Descriptor>();
  const layers: Descriptor[] = [];
  for (const [index, diffId] of diffIds.entries()) {
    const name = entry.layers[index] ?? "";
    const key = `${diffId} ${name}`;
    const layer = known.get(key) ?? (await describeLayer(files, name, diffId, what, signal));
    known.set(key, layer);
    blobs.putFile(layer.digest, name);
    layers.push(layer);
  }
  return layers;
}

async function describeLayer(
  files: ArchiveFiles,
  name: string,
  diffId: Digest,
  archive: string,
  signal: AbortSignal,
): Promise<Descriptor> {
  const what = `layer ${name} of ${archive}`;
  await using file = await files.open(name);
  if (file === undefined) throw archiveInvalid(archive, `a layer ${name}, got none`);
  const { size } = file;
  const head = await file.read(0, Math.min(size, SNIFFED_BYTES));
  const compression = sniffCompression(head, what);
  const mediaType = LAYER_TYPES[compression];
  if (compression === "none") return { mediaType, digest: diffId, size };
  const hash = createHash("sha256");
  for await (const chunk of readFrom(file, 0, signal)) hash.update(chunk);
  return { mediaType, digest: parseDigest(`sha256:${hash.digest("hex")}`), size };
}
