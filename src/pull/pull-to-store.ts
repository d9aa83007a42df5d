import {
  formatImageName,
  formatPlatform,
  ociConfigJson,
  repositoryName,
  type Descriptor,
  type ImageName,
} from "../image/index.ts";
import type { ManifestKey, Names, Publication, Store, StoredImage } from "../store/index.ts";
import { chooseStoredImage } from "./choose-stored-image.ts";
import type { ConvertedFile } from "./convert-image.ts";
import type { LayerReuse } from "./layer-reuse.ts";
import { loadConversion } from "./load-conversion.ts";
import { inRoom } from "./make-room.ts";
import { openSource, type OpenedSource } from "./open-source.ts";
import type { PullContext, PullOptions } from "./pull-context.ts";
import { conversionChoice, spoolDirectory } from "./pull-options.ts";
import { platformOf, resolveAndTell } from "./resolve-and-tell.ts";
import { deliveriesOf, type ResolvedImage } from "./resolve-image.ts";

/**
 * Makes `reference` an image of `store`, converting it only where its content is not there yet, and
 * records the name. What fails or is aborted leaves the store as it was.
 *
 * @throws ImageError, RegistryError, HttpError, ContentError, LayerError, TreeError, LimitError,
 *   ConvertError, StoreError; and AbortError, untouched
 */
export async function pullToStore(
  store: Store,
  reference: string,
  context: PullContext,
  options: PullOptions,
  signal: AbortSignal,
): Promise<StoredImage> {
  const opened = openSource(reference, context);
  const root = await opened.source.resolve(signal);
  const pull = new StorePull(store, reference, opened, root, context, options, signal);
  return (await pull.findKnown()) ?? (await pull.resolveAndConvert());
}

/** One pull into a store, after its name was resolved. */
class StorePull {
  readonly #store: Store;
  readonly #reference: string;
  readonly #opened: OpenedSource;
  readonly #root: Descriptor;
  readonly #context: PullContext;
  readonly #options: PullOptions;
  readonly #signal: AbortSignal;

  constructor(
    store: Store,
    reference: string,
    opened: OpenedSource,
    root: Descriptor,
    context: PullContext,
    options: PullOptions,
    signal: AbortSignal,
  ) {
    this.#store = store;
    this.#reference = reference;
    this.#opened = opened;
    this.#root = root;
    this.#context = context;
    this.#options = options;
    this.#signal = signal;
  }

  /**
   * The image, where this repository is known to have delivered what the name means now. That it
   * answered for the name just now is the caller's permission (design decision 4), so no document
   * is fetched.
   */
  async findKnown(): Promise<StoredImage | undefined> {
    const key = this.#manifestKey();
    if (key === undefined) return undefined;
    const contentKey = await this.#store.manifestContent(key);
    if (contentKey === undefined) return undefined;
    const image = await this.#findStored(contentKey);
    return image === undefined ? undefined : await this.#adopt(image);
  }

  async resolveAndConvert(): Promise<StoredImage> {
    const { source, what } = this.#opened;
    const { limits } = this.#context;
    const image = await resolveAndTell(
      this.#opened,
      this.#root,
      this.#context,
      this.#options,
      this.#signal,
    );
    // One conversion of one content at a time; whoever waited finds it stored. Per source, or a
    // registry that names the content of another's image and never delivers it would stop its pulls.
    await using _claim = await this.#store.claim(
      `convert ${image.contentKey} ${source.origin ?? ""}`,
      this.#signal,
    );
    const stored = await this.#findStored(image.contentKey);
    if (stored === undefined) {
      const reuse = await this.#reuse();
      return await inRoom(reuse?.cache, async () => await this.#convert(image, reuse));
    }
    if (!(await this.#mayReuse(image))) {
      const { verifyLayers } = await loadConversion();
      await verifyLayers(
        image.layers,
        source,
        { limits, what, onEvent: this.#options.onEvent },
        this.#signal,
      );
      await this.#recordDeliveries(image);
    }
    await this.#recordManifest(image);
    return await this.#adopt(stored);
  }

  /**
   * Whether every blob of `image` once came from this host with the diffID that it claims now, and
   * the caller may read each of them in this repository.
   */
  async #mayReuse(image: ResolvedImage): Promise<boolean> {
    const { source } = this.#opened;
    const { origin } = source;
    if (origin === undefined) return false;
    if (!(await this.#store.delivered(origin, deliveriesOf(image)))) return false;
    for (const { descriptor } of image.layers) {
      if (!(await source.has(descriptor, this.#signal))) return false;
    }
    return true;
  }

  async #convert(image: ResolvedImage, reuse: LayerReuse | undefined): Promise<StoredImage> {
    const { source, what } = this.#opened;
    await using staging = await this.#store.stage();
    await using spool = await spoolDirectory(this.#options.tmpDirectory, staging.path);
    const { convertImage } = await loadConversion();
    const file = await convertImage(
      image,
      source,
      {
        choice: conversionChoice(this.#options, this.#context),
        compressors: this.#context.compressors,
        jobs: this.#options.jobs,
        limits: this.#context.limits,
        what,
        directory: staging.path,
        spoolDirectory: spool.path,
        reuse,
        onEvent: this.#options.onEvent,
      },
      this.#signal,
    );
    return await this.#store.publish(this.#publication(image, file), this.#signal);
  }

  async #reuse(): Promise<LayerReuse | undefined> {
    const { LayerReuse } = await loadConversion();
    return LayerReuse.of(this.#options.cache, this.#store, this.#opened.source, this.#context);
  }

  #publication(image: ResolvedImage, file: ConvertedFile): Publication {
    const { config } = image;
    const host = this.#opened.source.origin;
    const manifest = this.#manifestKey();
    return {
      file: file.path,
      id: file.id,
      size: file.size,
      names: this.#names(),
      origin: "layers",
      contentKey: image.contentKey,
      profile: file.profile,
      platform: { os: config.os, architecture: config.architecture, variant: config.variant },
      ociConfigJson: Buffer.from(ociConfigJson(config.config)).toString(),
      source: {
        reference: this.#reference,
        ...(host === undefined ? {} : { host }),
        ...(image.manifestDigest === this.#root.digest ? {} : { indexDigest: this.#root.digest }),
        manifestDigest: image.manifestDigest,
        configDigest: image.configDigest,
        layers: image.layers.map(({ descriptor, diffId }) => ({
          digest: descriptor.digest,
          size: descriptor.size,
          mediaType: descriptor.mediaType,
          diffId,
        })),
      },
      createdAt: this.#context.now(),
      ...(host === undefined ? {} : { deliveries: { host, layers: deliveriesOf(image) } }),
      ...(manifest === undefined
        ? {}
        : { manifest: { ...manifest, contentKey: image.contentKey } }),
    };
  }

  async #recordDeliveries(image: ResolvedImage): Promise<void> {
    const host = this.#opened.source.origin;
    if (host !== undefined) await this.#store.recordDeliveries(host, deliveriesOf(image));
  }

  async #recordManifest(image: ResolvedImage): Promise<void> {
    const key = this.#manifestKey();
    if (key === undefined) return;
    await this.#store.recordManifest({ ...key, contentKey: image.contentKey });
  }

  /** Gives a stored image the names of this pull. */
  async #adopt(image: StoredImage): Promise<StoredImage> {
    this.#options.onEvent({ kind: "present", id: image.id });
    return await this.#store.addNames(image.id, this.#names());
  }

  async #findStored(contentKey: string): Promise<StoredImage | undefined> {
    const images = await this.#store.findByContent(contentKey);
    return chooseStoredImage(images, this.#options, this.#names());
  }

  #manifestKey(): ManifestKey | undefined {
    const { source, name } = this.#opened;
    if (source.origin === undefined) return undefined;
    return {
      host: source.origin,
      repository: name.repository,
      digest: this.#root.digest,
      platform: formatPlatform(platformOf(this.#options, this.#context)),
    };
  }

  #names(): Names {
    return namesOf(this.#opened.name, this.#root);
  }
}

/** The names that a pull records: the tag, if one was asked for, and what it meant. */
function namesOf(name: ImageName, root: Descriptor): Names {
  return {
    tags: name.tag === undefined ? [] : [formatImageName(name)],
    digests: [`${repositoryName(name)}@${root.digest}`],
  };
}
