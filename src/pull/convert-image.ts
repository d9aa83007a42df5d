import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Limits } from "../base/index.ts";
import { Conversion, type ConvertedImage } from "../convert/index.ts";
import {
  hasFrozenCodec,
  type BlobSource,
  type Digest,
  type KnownCodecs,
  type Profile,
  type ProfileChoice,
} from "../image/index.ts";
import { LAYOUTS } from "../layout/index.ts";
import { PackError } from "../packs/index.ts";
import { EarlySync } from "./early-sync.ts";
import { forEachParallel } from "./for-each-parallel.ts";
import { LayerJob } from "./layer-job.ts";
import type { LayerReuse } from "./layer-reuse.ts";
import { outputError, PullError } from "./pull-error.ts";
import type { OnPullEvent } from "./pull-events.ts";
import { requireRoom } from "./require-room.ts";
import type { ResolvedImage, ResolvedLayer } from "./resolve-image.ts";
import type { ScratchDirectory } from "./scratch-directory.ts";

/** Layers that are fetched at the same time. */
const MOST_FETCHES = 4;

export interface ConvertOptions {
  readonly choice: ProfileChoice;
  /** URL of the module of block compressors; absent: siflet's own. */
  readonly compressors?: string | undefined;
  readonly codecs?: KnownCodecs | undefined;
  /** Compressing threads. */
  readonly jobs: number;
  readonly limits: Limits;
  /** The image, as messages name it. */
  readonly what: string;
  /** Empty directory for the growing SIF and, without `reuse`, packs; the caller removes it. */
  readonly directory: string;
  /** Empty directory for spooled layers, which are removed one by one. */
  readonly spoolDirectory: string;
  /** Where the caller wants layers to be spooled; absent: wherever it suits. */
  readonly tmpDirectory?: string | undefined;
  /** Packs of other pulls; absent: every layer is converted. */
  readonly reuse?: LayerReuse | undefined;
  readonly onEvent: OnPullEvent;
}

/** A SIF that was written and is yet to be published. */
export interface ConvertedFile extends Omit<ConvertedImage, "codec"> {
  readonly path: string;
  readonly profile: Profile;
}

/**
 * Refuses an image that cannot fit into `directory`, before anything of it is fetched.
 *
 * @throws PullError `NO_SPACE`
 */
export async function requireRoomToConvert(
  image: ResolvedImage,
  {
    choice,
    directory,
    reuse,
    what,
  }: Pick<ConvertOptions, "choice" | "directory" | "reuse" | "what">,
): Promise<void> {
  const codec = Conversion.settingsId(choice.compression);
  await requireRoom(image, {
    directory,
    cache: reuse?.cache,
    isKept: async (layer) => (await reuse?.isKept(layer, codec)) ?? false,
    what,
  });
}

/** Bytes of the blobs of layers that no pack is kept of. */
export async function bytesToConvert(
  { layers }: ResolvedImage,
  { reuse, choice }: Pick<ConvertOptions, "reuse" | "choice">,
): Promise<number> {
  const codec = Conversion.settingsId(choice.compression);
  let bytes = 0;
  for (const { layer } of distinctLayers(layers)) {
    if ((await reuse?.isKept(layer, codec)) !== true) bytes += layer.descriptor.size;
  }
  return bytes;
}

/**
 * Converts the layers of `image`, each while it is fetched, and writes the SIF into
 * `options.directory`. Layers that were converted before are not converted again, and those that
 * the source is known for are not even fetched. The first failure ends everything that still runs.
 *
 * Where this machine's codec makes other bytes than its name stands for, that is told as a warning
 * and stands in the profile.
 *
 * @throws PullError `OUTPUT_FAILED`, `NO_SPACE` where a file on the way cannot be written or read; and
 *   what the source and the layers are at fault for
 */
export async function convertImage(
  image: ResolvedImage,
  source: BlobSource,
  options: ConvertOptions,
  signal: AbortSignal,
): Promise<ConvertedFile> {
  const file = await convertDespiteDamage(image, source, options, signal).catch(
    // Of any file on the way to the image: to whoever wants it, it cannot be written.
    (error: unknown): never => {
      throw outputError(options.directory, error);
    },
  );
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
  source: BlobSource,
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
  source: BlobSource,
  options: ConvertOptions,
  checksAll: boolean,
  signal: AbortSignal,
): Promise<ConvertedFile> {
  const { onEvent } = options;
  await using conversion = new Conversion({
    compression: options.choice.compression,
    compressors: options.compressors,
    codecs: options.codecs,
    jobs: options.jobs,
    limits: options.limits,
    warn: (message) => {
      onEvent({ kind: "warning", message });
    },
  });
  await using own = await packDirectory(options);
  const reuse = own && options.reuse;
  const packs = own?.path ?? options.directory;
  const packOf = (diffId: Digest): string => join(packs, `${diffId.slice(7)}.pack`);
  const packPaths = image.layers.map(({ diffId }) => packOf(diffId));
  const order = new MergeOrder(packPaths, conversion);
  const keeping: Promise<void>[] = [];
  const taken = new Set<boolean>();
  try {
    await forEachParallel(
      distinctLayers(image.layers),
      MOST_FETCHES,
      async ({ layer, index }, stop) => {
        const path = packOf(layer.diffId);
        const job = new LayerJob(layer, index, path, source, conversion, options);
        if (reuse === undefined) {
          await job.convert(stop);
        } else {
          const goOn = (work: Promise<void>): void => {
            keeping.push(work);
            // Heard below; until then a failure must not pass for one that nobody hears.
            work.catch(() => undefined);
          };
          taken.add(await job.obtain({ reuse, checksAll, goOn }, stop));
        }
        order.ready(path);
        onEvent({ kind: "layer-done", layer: index });
      },
      signal,
    );
    const file = await assemble(image, packPaths, conversion, options, signal);
    await Promise.all(keeping);
    if (hasFrozenCodec(file.profile) || !taken.has(true)) return file;
  } catch (error) {
    await Promise.allSettled(keeping);
    throw error;
  }
  // What the frozen codec packed does not belong into an image of this machine's own.
  return await convertOnce(image, source, { ...options, reuse: undefined }, false, signal);
}

/** Has packs merged in their order, each as soon as it and all below it are there. */
class MergeOrder {
  readonly #paths: readonly string[];
  readonly #conversion: Conversion;
  readonly #ready = new Set<string>();
  #merged = 0;

  constructor(paths: readonly string[], conversion: Conversion) {
    this.#paths = paths;
    this.#conversion = conversion;
  }

  ready(path: string): void {
    this.#ready.add(path);
    for (
      let next = this.#paths[this.#merged];
      next !== undefined && this.#ready.has(next);
      next = this.#paths[this.#merged]
    ) {
      this.#conversion.mergeAhead(next);
      this.#merged += 1;
    }
  }
}

/** Writes the SIF of layers that are converted. */
async function assemble(
  image: ResolvedImage,
  packPaths: readonly string[],
  conversion: Conversion,
  { directory, choice, onEvent }: ConvertOptions,
  signal: AbortSignal,
): Promise<ConvertedFile> {
  const path = join(directory, "image.sif");
  const additionsPath = join(directory, "additions.pack");
  await Promise.all([rm(path, { force: true }), rm(additionsPath, { force: true })]);
  const { compression, owners, layout } = choice;
  const early = new EarlySync(path);
  const { codec, ...converted } = await conversion.assemble(
    {
      packPaths,
      additionsPath,
      outputPath: path,
      config: image.config.config,
      architecture: image.config.architecture,
      variant: image.config.variant,
      rootOwns: owners === "root",
      layout,
    },
    (bytes, total) => {
      early.grown();
      onEvent({ kind: "written", bytes, total });
    },
    signal,
  );
  await early.settled();
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
