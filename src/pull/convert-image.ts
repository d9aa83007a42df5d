import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Limits } from "../base/index.ts";
import { Conversion, type ConvertedImage } from "../convert/index.ts";
import type { Compression, Digest, ImageSource, Owners } from "../image/index.ts";
import { forEachParallel } from "./for-each-parallel.ts";
import type { OnPullEvent } from "./pull-events.ts";
import type { ResolvedImage, ResolvedLayer } from "./resolve-image.ts";

/** Larger layers are spooled to disk as they come: a converter must not throttle the socket. */
const SPOOL_BYTES = 16 * 1024 * 1024;
/** Layers that are fetched at the same time. */
const MOST_FETCHES = 4;

export interface ConvertOptions {
  readonly compression: Compression;
  readonly owners: Owners;
  readonly jobs: number;
  readonly limits: Limits;
  /** The image, as messages name it. */
  readonly what: string;
  /** Empty directory for packs and the growing SIF; the caller removes it. */
  readonly directory: string;
  /** Empty directory for spooled layers, which are removed one by one. */
  readonly spoolDirectory: string;
  readonly onEvent: OnPullEvent;
}

/** A SIF that was written and is yet to be published. */
export interface ConvertedFile extends ConvertedImage {
  readonly path: string;
}

/**
 * Fetches all layers of `image`, converts them as they come and writes the SIF into
 * `options.directory`. The first failure ends everything that still runs.
 */
export async function convertImage(
  image: ResolvedImage,
  source: ImageSource,
  options: ConvertOptions,
  signal: AbortSignal,
): Promise<ConvertedFile> {
  const { onEvent, limits } = options;
  await using conversion = new Conversion({
    compression: options.compression,
    jobs: options.jobs,
    limits,
    codecId: undefined,
    warn: (message) => {
      onEvent({ kind: "warning", message });
    },
  });
  const packOf = (diffId: Digest): string => join(options.directory, `${diffId.slice(7)}.pack`);
  await forEachParallel(
    distinctLayers(image.layers),
    MOST_FETCHES,
    async ({ layer, index }, stop) => {
      const spoolPath =
        layer.descriptor.size > SPOOL_BYTES
          ? join(options.spoolDirectory, `${layer.descriptor.digest.slice(7)}.blob`)
          : undefined;
      await conversion.convertLayer(
        {
          what: `layer ${index + 1} of ${options.what}`,
          digest: layer.descriptor.digest,
          size: layer.descriptor.size,
          diffId: layer.diffId,
          mediaType: layer.descriptor.mediaType,
          packPath: packOf(layer.diffId),
          spoolPath,
        },
        counted(source.fetch(layer.descriptor, stop), (bytes) => {
          onEvent({ kind: "fetched", layer: index, bytes });
        }),
        (bytes) => {
          onEvent({ kind: "converted", layer: index, bytes });
        },
        stop,
      );
      if (spoolPath !== undefined) await rm(spoolPath);
      onEvent({ kind: "layer-done", layer: index });
    },
    signal,
  );
  const path = join(options.directory, "image.sif");
  const converted = await conversion.assemble(
    {
      packPaths: image.layers.map(({ diffId }) => packOf(diffId)),
      additionsPath: join(options.directory, "additions.pack"),
      outputPath: path,
      config: image.config.config,
      architecture: image.config.architecture,
      variant: image.config.variant,
      rootOwns: options.owners === "root",
    },
    (bytes, total) => {
      onEvent({ kind: "written", bytes, total });
    },
    signal,
  );
  return { ...converted, path };
}

/** Each content once, with its first place in the image: a layer may stand there twice. */
function distinctLayers(
  layers: readonly ResolvedLayer[],
): { readonly layer: ResolvedLayer; readonly index: number }[] {
  const seen = new Set<Digest>();
  return layers.flatMap((layer, index) => {
    if (seen.has(layer.diffId)) return [];
    seen.add(layer.diffId);
    return [{ layer, index }];
  });
}

async function* counted(
  source: AsyncIterable<Uint8Array>,
  tell: (bytes: number) => void,
): AsyncIterable<Uint8Array> {
  let bytes = 0;
  for await (const chunk of source) {
    yield chunk;
    tell((bytes += chunk.length));
  }
}

/** The blobs of an image as the store records who delivered what. */
export function deliveriesOf(
  image: ResolvedImage,
): { readonly blobDigest: Digest; readonly diffId: Digest }[] {
  return image.layers.map(({ descriptor, diffId }) => ({
    blobDigest: descriptor.digest,
    diffId,
  }));
}
