import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Limits } from "../base/index.ts";
import { Conversion, type ConvertedImage } from "../convert/index.ts";
import {
  hasFrozenCodec,
  type Digest,
  type ImageSource,
  type Profile,
  type ProfileChoice,
} from "../image/index.ts";
import { LAYOUTS } from "../layout/index.ts";
import { PackError, type PackKey } from "../packs/index.ts";
import { forEachParallel } from "./for-each-parallel.ts";
import type { LayerReuse } from "./layer-reuse.ts";
import { isSystemError, PullError } from "./pull-error.ts";
import type { OnPullEvent } from "./pull-events.ts";
import type { ResolvedImage, ResolvedLayer } from "./resolve-image.ts";
import type { ScratchDirectory } from "./scratch-directory.ts";
import { verifyLayer } from "./verify-layers.ts";

/** Larger layers are spooled to disk as they come: a converter must not throttle the socket. */
const SPOOL_BYTES = 16 * 1024 * 1024;
/** Layers that are fetched at the same time. */
const MOST_FETCHES = 4;

export interface ConvertOptions {
  readonly choice: ProfileChoice;
  /** URL of the module of block compressors; absent: siflet's own. */
  readonly compressors?: string | undefined;
  readonly jobs: number;
  readonly limits: Limits;
  /** The image, as messages name it. */
  readonly what: string;
  /** Empty directory for the growing SIF and, without `reuse`, packs; the caller removes it. */
  readonly directory: string;
  /** Empty directory for spooled layers, which are removed one by one. */
  readonly spoolDirectory: string;
  /** Packs of other pulls; absent: every layer is converted. */
  readonly reuse?: LayerReuse | undefined;
  readonly onEvent: OnPullEvent;
}

/** Other pulls' packs while one image is converted. */
interface OpenReuse {
  readonly reuse: LayerReuse;
  /** Reads packs whole before they are used: one of them was damaged where nobody looks at first. */
  readonly checksAll: boolean;
}

/** A SIF that was written and is yet to be published. */
export interface ConvertedFile extends Omit<ConvertedImage, "codec"> {
  readonly path: string;
  readonly profile: Profile;
}

/**
 * Converts the layers of `image`, each while it is fetched, and writes the SIF into
 * `options.directory`. Layers that were converted before are not converted again, and those that
 * the source is known for are not even fetched. The first failure ends everything that still runs.
 *
 * Where this machine's codec makes other bytes than its name stands for, that is told as a warning
 * and stands in the profile.
 */
export async function convertImage(
  image: ResolvedImage,
  source: ImageSource,
  options: ConvertOptions,
  signal: AbortSignal,
): Promise<ConvertedFile> {
  const file = await convertDespiteDamage(image, source, options, signal);
  const { codec, compression } = file.profile;
  if (hasFrozenCodec(file.profile)) return file;
  options.onEvent({
    kind: "warning",
    message:
      `${options.what}: converted as ${codec}, for ${compression} makes other bytes here than ` +
      `${Conversion.settingsId(compression)} stands for; other machines will give it another id`,
  });
  return file;
}

/** Converts, and where a pack of the cache turns out to be damaged once more without any. */
async function convertDespiteDamage(
  image: ResolvedImage,
  source: ImageSource,
  options: ConvertOptions,
  signal: AbortSignal,
): Promise<ConvertedFile> {
  try {
    return await convertOnce(image, source, options, false, signal);
  } catch (error) {
    if (!(error instanceof PackError) || options.reuse === undefined) throw error;
    const message = `${options.what}: ${error.message}; its layer is converted again`;
    options.onEvent({ kind: "warning", message });
    return await convertOnce(image, source, options, true, signal);
  }
}

async function convertOnce(
  image: ResolvedImage,
  source: ImageSource,
  options: ConvertOptions,
  checksAll: boolean,
  signal: AbortSignal,
): Promise<ConvertedFile> {
  const { onEvent, limits } = options;
  const { compression, owners, layout } = options.choice;
  await using conversion = new Conversion({
    compression,
    compressors: options.compressors,
    jobs: options.jobs,
    limits,
    warn: (message) => {
      onEvent({ kind: "warning", message });
    },
  });
  await using own = await packDirectory(options);
  const reuse = own && options.reuse;
  const packs = own?.path ?? options.directory;
  const packOf = (diffId: Digest): string => join(packs, `${diffId.slice(7)}.pack`);
  await forEachParallel(
    distinctLayers(image.layers),
    MOST_FETCHES,
    async ({ layer, index }, stop) => {
      const job = new LayerJob(layer, index, packOf(layer.diffId), source, conversion, options);
      if (reuse === undefined) await job.convert(stop);
      else await job.obtain({ reuse, checksAll }, stop);
      onEvent({ kind: "layer-done", layer: index });
    },
    signal,
  );
  const path = join(options.directory, "image.sif");
  const additionsPath = join(options.directory, "additions.pack");
  await Promise.all([rm(path, { force: true }), rm(additionsPath, { force: true })]);
  const { codec, ...converted } = await conversion.assemble(
    {
      packPaths: image.layers.map(({ diffId }) => packOf(diffId)),
      additionsPath,
      outputPath: path,
      config: image.config.config,
      architecture: image.config.architecture,
      variant: image.config.variant,
      rootOwns: owners === "root",
      layout,
    },
    (bytes, total) => {
      onEvent({ kind: "written", bytes, total });
    },
    signal,
  );
  const profile: Profile = { codec, compression, owners, layout: LAYOUTS[layout].id };
  return { ...converted, path, profile };
}

/** Where packs lie that the cache may share; undefined where it cannot be used, which is told. */
async function packDirectory({
  reuse,
  what,
  onEvent,
}: ConvertOptions): Promise<ScratchDirectory | undefined> {
  try {
    return await reuse?.directory();
  } catch (error) {
    if (!(error instanceof PullError) || error.code !== "OUTPUT_FAILED") throw error;
    onEvent({
      kind: "warning",
      message: `${what}: no converted layers are kept: ${error.message}`,
    });
    return undefined;
  }
}

/** Makes the pack of one layer. */
class LayerJob {
  readonly #layer: ResolvedLayer;
  readonly #index: number;
  readonly #packPath: string;
  readonly #source: ImageSource;
  readonly #conversion: Conversion;
  readonly #options: ConvertOptions;

  constructor(
    layer: ResolvedLayer,
    index: number,
    packPath: string,
    source: ImageSource,
    conversion: Conversion,
    options: ConvertOptions,
  ) {
    this.#layer = layer;
    this.#index = index;
    this.#packPath = packPath;
    this.#source = source;
    this.#conversion = conversion;
    this.#options = options;
  }

  /** Takes the pack from the cache, with permission, or converts the layer and keeps the pack. */
  async obtain({ reuse, checksAll }: OpenReuse, signal: AbortSignal): Promise<void> {
    const codec = Conversion.settingsId(this.#options.choice.compression);
    const key: PackKey = { diffId: this.#layer.diffId, codec };
    const { cache } = reuse;
    await using _claim = await reuse.claim(key, signal);
    const isKept = (await cache.has(key)) && (await this.#isFrozenCodec(codec));
    if (isKept && (await this.#ask(cache.take(key, this.#packPath, { checksAll }))) === true) {
      if (await reuse.isProved(this.#layer, signal)) return;
      await verifyLayer(this.#layer, this.#fetch(signal), this.#what, this.#options, signal);
      await reuse.prove(this.#layer);
      return;
    }
    await this.convert(signal);
    await reuse.prove(this.#layer);
    if (await this.#isFrozenCodec(codec)) await this.#ask(cache.put(key, this.#packPath));
  }

  /** What the cache answers; undefined where the system fails it, which costs work and no pull. */
  async #ask<Answer>(answer: Promise<Answer>): Promise<Answer | undefined> {
    try {
      return await answer;
    } catch (error) {
      if (!isSystemError(error)) throw error;
      const message = `${this.#what}: cache of converted layers: ${error.message}`;
      this.#options.onEvent({ kind: "warning", message });
      return undefined;
    }
  }

  async convert(signal: AbortSignal): Promise<void> {
    const { descriptor, diffId } = this.#layer;
    const spoolPath =
      descriptor.size > SPOOL_BYTES
        ? join(this.#options.spoolDirectory, `${descriptor.digest.slice(7)}.blob`)
        : undefined;
    await this.#conversion.convertLayer(
      {
        what: this.#what,
        digest: descriptor.digest,
        size: descriptor.size,
        diffId,
        mediaType: descriptor.mediaType,
        packPath: this.#packPath,
        spoolPath,
      },
      this.#fetch(signal),
      (bytes) => {
        this.#options.onEvent({ kind: "converted", layer: this.#index, bytes });
      },
      signal,
    );
    if (spoolPath !== undefined) await rm(spoolPath);
  }

  get #what(): string {
    return `layer ${this.#index + 1} of ${this.#options.what}`;
  }

  /** A codec that makes other bytes shares no packs with those that make the frozen ones. */
  async #isFrozenCodec(codec: string): Promise<boolean> {
    return (await this.#conversion.codecId()) === codec;
  }

  async *#fetch(signal: AbortSignal): AsyncIterable<Uint8Array> {
    let bytes = 0;
    for await (const chunk of this.#source.fetch(this.#layer.descriptor, signal)) {
      yield chunk;
      bytes += chunk.length;
      this.#options.onEvent({ kind: "fetched", layer: this.#index, bytes });
    }
  }
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
