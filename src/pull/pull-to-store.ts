import { stat } from "node:fs/promises";
import { isErrno } from "../base/index.ts";
import { formatPlatform, isArchiveInput, type Descriptor } from "../image/index.ts";
import type { ManifestKey, Names, Publication, Store, StoredImage } from "../store/index.ts";
import { convertResolved } from "./convert-resolved.ts";
import { Acceptance } from "./acceptance.ts";
import { chooseStoredImage } from "./choose-stored-image.ts";
import type { LayerReuse } from "./layer-reuse.ts";
import { isLocalName, recordLocalFile } from "./local-file.ts";
import { loadConversion } from "./load-conversion.ts";
import { inRoom } from "./make-room.ts";
import { OtherStores, type OtherImage } from "./other-stores.ts";
import { openSource, rootOf, type OpenedSource } from "./open-source.ts";
import { publicationOf, type PulledName } from "./publication-of.ts";
import type { PullContext, PullOptions } from "./pull-context.ts";
import { inStep } from "./pull-events.ts";
import { ownDirectory } from "./pull-options.ts";
import { platformOf, resolveAndTell } from "./resolve-and-tell.ts";
import { fetchSif, sifContentKey, sifIdOf, sifPublicationOf } from "./pull-sif.ts";
import { deliveriesOf, type ResolvedImage, type ResolvedSif } from "./resolve-image.ts";
import type { ScratchDirectory } from "./scratch-directory.ts";
import { namesOf } from "./trust-gate.ts";

/**
 * Makes `reference` an image of `store`, converting it only where its content is not there yet, and
 * records the name; a `local.file` one stays where it is. What fails or is aborted leaves images and names as
 * they were, and of `options.cache` what the next pull can go on from: converted layers and parts of large ones.
 *
 * @param store - open, or about to be: what the name means is asked meanwhile. The caller closes it
 * @throws ImageError, RegistryError, LibraryError, HttpError, ContentError, LayerError, TreeError, LimitError,
 *   ConvertError, StoreError; and AbortError, untouched
 */
export async function pullToStore(
  store: Store | Promise<Store>,
  reference: string,
  context: PullContext,
  options: PullOptions,
  signal: AbortSignal,
): Promise<StoredImage> {
  if (isLocalName(reference)) {
    return await recordLocalFile(await store, reference, context, signal);
  }
  const spoolIn = async (): Promise<ScratchDirectory> =>
    options.tmpDirectory === undefined
      ? await (await store).stage()
      : await ownDirectory(options.tmpDirectory);
  await using opened = await openSource(reference, context, options, spoolIn, signal);
  const { root, ready } = await both(rootOf(opened, signal), store);
  const recorded = isArchiveInput(reference) ? opened.what : reference;
  const pull = new StorePull(ready, recorded, opened, root, context, options, signal);
  return (await pull.findKnown()) ?? (await pull.resolveAndConvert());
}

/** What the name means, and the store: neither is ours to use before both are there. */
async function both<Root>(
  resolving: Promise<Root>,
  opening: Store | Promise<Store>,
): Promise<{ readonly root: Root; readonly ready: Store }> {
  const [root, ready] = await Promise.allSettled([resolving, opening]);
  // Without a store nobody has to know what the registry said.
  if (ready.status === "rejected") throw ready.reason;
  if (root.status === "rejected") throw root.reason;
  return { root: root.value, ready: ready.value };
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
  readonly #others: OtherStores;
  readonly #acceptance: Acceptance;

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
    const { otherStores = [] } = context;
    this.#others = new OtherStores(otherStores, options, this.#names(), options.onEvent);
    const names = namesOf(this.#names());
    this.#acceptance = new Acceptance(context.trust, opened, names, options.onEvent);
  }

  /**
   * The image, where this repository is known to have delivered what the name means now. That it
   * answered for the name just now is the caller's permission (design decision 4), so no document
   * is fetched, unless the policy asks who signed its manifest.
   */
  async findKnown(): Promise<StoredImage | undefined> {
    const key = this.#manifestKey();
    if (key === undefined || (await this.#acceptance.needsManifest())) return undefined;
    const contentKey = await this.#store.evidence.manifestContent(key);
    const image = contentKey === undefined ? undefined : await this.#findContent(contentKey);
    if (image !== undefined) return await this.#adopt(image);
    // Another store stands for its own images alone.
    return await this.#take(
      async (other) => contentKey ?? (await other.evidence.manifestContent(key)),
      // The manifest that the caller has just read is recorded there for this repository.
      () => Promise.resolve(),
    );
  }

  /**
   * Takes an image out of another store.
   *
   * @param permit - throws where the caller may not have the content of the image that was found
   */
  async #take(
    contentOf: (other: Store) => Promise<string | undefined>,
    permit: (found: OtherImage) => Promise<void>,
  ): Promise<StoredImage | undefined> {
    const key = this.#manifestKey();
    for (;;) {
      const found = await this.#others.find(contentOf);
      if (found === undefined) return undefined;
      await permit(found);
      const { contentKey } = found.image;
      const manifest =
        key === undefined || contentKey === undefined ? undefined : { ...key, contentKey };
      const now = this.#context.now();
      const as = { store: this.#store, reference: this.#reference, manifest, now };
      const taken = await this.#others.take(found, as, this.#acceptance, this.#signal);
      if (taken !== undefined) return await this.#keep(taken);
    }
  }

  async resolveAndConvert(): Promise<StoredImage> {
    const { source } = this.#opened;
    const image = await resolveAndTell(
      this.#opened,
      this.#root,
      this.#context,
      this.#options,
      this.#signal,
    );
    this.#acceptance.resolved(image);
    if (image.kind === "sif") return await this.#takeFile(image);
    // Before a byte of its layers is fetched.
    await this.#acceptance.requireConverted(this.#signal);
    // One conversion of one content at a time; whoever waited finds it stored. Per source, or a
    // registry that names the content of another's image and never delivers it would stop its pulls.
    await using _claim = await this.#store.claim(
      `convert ${image.contentKey} ${source.origin ?? ""}`,
      this.#signal,
    );
    const stored = await this.#findStored(image.contentKey);
    if (stored !== undefined) {
      await this.#requirePermission(image);
      await this.#recordManifest(image);
      return await this.#adopt(stored);
    }
    const taken = await this.#take(
      () => Promise.resolve(image.contentKey),
      async (found) => {
        await this.#requirePermission(image, found);
      },
    );
    if (taken !== undefined) return taken;
    const reuse = await this.#reuse();
    return await inRoom(reuse?.cache, async () => await this.#convert(image, reuse));
  }

  /** The file of an artifact, fetched where it is not there yet or may not be read. */
  async #takeFile(image: ResolvedSif): Promise<StoredImage> {
    const { source, what } = this.#opened;
    const { file } = image;
    await using _claim = await this.#store.claim(
      `fetch ${file.digest} ${source.origin ?? ""}`,
      this.#signal,
    );
    const contentKey = sifContentKey(file);
    const stored = await this.#findContent(contentKey);
    if (stored !== undefined && (await source.has(file, this.#signal))) {
      const key = this.#manifestKey();
      if (key !== undefined) await this.#store.evidence.recordManifest({ ...key, contentKey });
      return await this.#adopt(stored);
    }
    await using staging = await this.#store.stage();
    const { tmpDirectory, onEvent } = this.#options;
    const reuse = tmpDirectory === undefined ? await this.#reuse() : undefined;
    const platform = platformOf(this.#options, this.#context);
    const { directory, partials } = { directory: staging.path, partials: reuse?.partials };
    const sif = await inRoom(
      reuse?.cache,
      async () =>
        await fetchSif(
          image,
          source,
          { directory, partials, what, platform, onEvent },
          this.#signal,
        ),
    );
    const publication = sifPublicationOf(this.#pulled(), image, sif);
    return await this.#publishFile(publication);
  }

  /**
   * Has the source prove that the caller may have the content of `image`, which is there already: where
   * that is not known, every blob is fetched once more and hashed.
   *
   * @param found - where the content is, when it is not in our store
   */
  async #requirePermission(image: ResolvedImage, found?: OtherImage): Promise<void> {
    if (await this.#mayReuse(image, found)) return;
    const { source, what } = this.#opened;
    const { verifyLayers } = await loadConversion();
    const { onEvent } = this.#options;
    const { limits } = this.#context;
    await verifyLayers(image.layers, source, { limits, what, onEvent }, this.#signal);
    await this.#recordDeliveries(image);
  }

  /**
   * Whether every blob of `image` once came from this host with the diffID that it claims now, as our
   * store knows or the one that holds the content, and the caller may read each in this repository.
   */
  async #mayReuse(image: ResolvedImage, found: OtherImage | undefined): Promise<boolean> {
    const { source } = this.#opened;
    const { origin } = source;
    if (origin === undefined) return false;
    const layers = deliveriesOf(image);
    const isDelivered =
      (await this.#store.evidence.delivered(origin, layers)) ||
      (found !== undefined && (await this.#others.delivered(found, origin, layers)));
    if (!isDelivered) return false;
    for (const { descriptor } of image.layers) {
      if (!(await source.has(descriptor, this.#signal))) return false;
    }
    return true;
  }

  async #convert(image: ResolvedImage, reuse: LayerReuse | undefined): Promise<StoredImage> {
    await using staging = await this.#store.stage();
    const at = { directory: staging.path, reuse };
    const file = await convertResolved(
      image,
      this.#opened,
      at,
      this.#context,
      this.#options,
      this.#signal,
    );
    const publication = publicationOf(this.#pulled(), image, file);
    return await this.#publish(publication);
  }

  async #reuse(): Promise<LayerReuse | undefined> {
    const { LayerReuse } = await loadConversion();
    return LayerReuse.of(this.#options.cache, this.#store, this.#opened.source, this.#context);
  }

  #pulled(): PulledName {
    return {
      reference: this.#reference,
      host: this.#opened.source.origin,
      isUnverified: this.#opened.isUnverified ?? false,
      root: this.#root,
      names: this.#names(),
      manifest: this.#manifestKey(),
      now: this.#context.now(),
    };
  }

  async #recordDeliveries(image: ResolvedImage): Promise<void> {
    const host = this.#opened.source.origin;
    if (host !== undefined) await this.#store.evidence.recordDeliveries(host, deliveriesOf(image));
  }

  async #recordManifest(image: ResolvedImage): Promise<void> {
    const key = this.#manifestKey();
    if (key === undefined) return;
    await this.#store.evidence.recordManifest({ ...key, contentKey: image.contentKey });
  }

  /** Judges a finished file by its names, and makes it an image. */
  async #publishFile(publication: Publication): Promise<StoredImage> {
    const digests = new Map<string, string>();
    const directory = this.#store.imagesDirectory;
    const file = { path: publication.file, directory, digests };
    await this.#acceptance.requireFile(file, this.#signal);
    const image = await this.#publish(publication);
    await this.#store.evidence.recordObjectDigests(image.id, digests);
    return image;
  }

  async #publish(publication: Publication): Promise<StoredImage> {
    return await inStep(
      "publish",
      this.#options.onEvent,
      async () => await this.#keep(await this.#store.publish(publication, this.#signal)),
    );
  }

  /** Gives a stored image the names of this pull, where it may have them. */
  async #adopt(image: StoredImage): Promise<StoredImage> {
    await this.#acceptance.requireStored(this.#store.evidence, image, this.#signal);
    this.#options.onEvent({ kind: "present", id: image.id });
    return await this.#keep(await this.#store.addNames(image.id, this.#names()));
  }

  /** Keeps what lies beside the image, by which it was judged and may be judged again. */
  async #keep(image: StoredImage): Promise<StoredImage> {
    await this.#store.evidence.recordSignatures(image.id, this.#acceptance.kept);
    return image;
  }

  /** The image of a recorded content: one that was converted, or the file itself. */
  async #findContent(contentKey: string): Promise<StoredImage | undefined> {
    const id = sifIdOf(contentKey);
    if (id === undefined) return await this.#findStored(contentKey);
    const image = await this.#store.findById(id);
    // A file of this host, that happens to be the same, may be gone tomorrow.
    if (image === undefined || image.origin === "local") return undefined;
    return (await hasItsFile(image)) ? image : undefined;
  }

  async #findStored(contentKey: string): Promise<StoredImage | undefined> {
    const images = await this.#store.findByContent(contentKey);
    const there = await Promise.all(images.map(hasItsFile));
    const sound = images.filter((_image, index) => there[index]);
    return chooseStoredImage(sound, this.#options, this.#names());
  }

  #manifestKey(): ManifestKey | undefined {
    const { source, repository } = this.#opened;
    if (source.origin === undefined || repository === undefined) return undefined;
    return {
      host: source.origin,
      repository,
      digest: this.#root.digest,
      platform: formatPlatform(platformOf(this.#options, this.#context)),
    };
  }

  #names(): Names {
    return this.#opened.names(this.#root);
  }
}

/** Whether the file is there with its size: one that is not is made again. */
async function hasItsFile({ path, size }: StoredImage): Promise<boolean> {
  try {
    return (await stat(path)).size === size;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return false;
    throw error;
  }
}
