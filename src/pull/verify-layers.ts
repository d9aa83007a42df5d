import { createHash } from "node:crypto";
import type { Limits } from "../base/index.ts";
import { ContentError, digestHex, verified, type BlobSource } from "../image/index.ts";
import { decompressLayer } from "../layers/index.ts";
import { forEachParallel } from "./for-each-parallel.ts";
import type { OnPullEvent } from "./pull-events.ts";
import type { ResolvedLayer } from "./resolve-image.ts";

const MOST_FETCHES = 2;

interface VerifyOptions {
  readonly limits: Limits;
  /** The image, as messages name it. */
  readonly what: string;
  readonly onEvent: OnPullEvent;
}

/**
 * Has the source prove that it delivers the content it names: every blob is fetched and hashed, as
 * it is stored and as it is decompressed. Nothing is kept.
 *
 * Knowing a diffID is not permission: without this, anyone's registry could name the layers of a
 * private image and be given it.
 *
 * @throws ContentError when a blob is not what its descriptor or diffID says
 */
export async function verifyLayers(
  layers: readonly ResolvedLayer[],
  source: BlobSource,
  options: VerifyOptions,
  signal: AbortSignal,
): Promise<void> {
  await forEachParallel(
    layers.entries(),
    MOST_FETCHES,
    async ([index, layer], stop) => {
      const what = `layer ${index + 1} of ${options.what}`;
      await verifyLayer(layer, source.fetch(layer.descriptor, stop), what, options, stop);
      options.onEvent({ kind: "layer-done", layer: index });
    },
    signal,
  );
}

/** Hashes one blob, as it is stored and as it is decompressed. */
export async function verifyLayer(
  { descriptor, diffId }: ResolvedLayer,
  blob: AsyncIterable<Uint8Array>,
  what: string,
  options: Pick<VerifyOptions, "limits" | "onEvent">,
  signal: AbortSignal,
): Promise<void> {
  const tar = decompressLayer(verified(blob, descriptor, what), {
    limits: options.limits,
    what,
    warn: (message) => {
      options.onEvent({ kind: "warning", message });
    },
    mediaType: descriptor.mediaType,
    signal,
  });
  const hash = createHash("sha256");
  for await (const chunk of tar) hash.update(chunk);
  const got = hash.digest("hex");
  if (got === digestHex(diffId)) return;
  throw new ContentError(
    "CONTENT_DIGEST_MISMATCH",
    `${what}: decompressed, expected diffID ${diffId}, got sha256:${got}`,
  );
}
