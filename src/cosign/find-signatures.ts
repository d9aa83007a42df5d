import { DEFAULT_LIMITS, joinBytes } from "../base/index.ts";
import {
  ContentError,
  type Descriptor,
  type Digest,
  digestHex,
  type Document,
  type ImageDigests,
  ImageError,
  type Manifest,
  parseManifestDocument,
  type SignatureRepository,
  verified,
} from "../image/index.ts";
import { CosignError } from "./cosign-error.ts";
import type { FoundSignature, ReadSignature } from "./found-signature.ts";
import {
  BUNDLE_TYPE,
  PREDICATE_ANNOTATION,
  readSigstoreBundle,
  SIGN_PREDICATE,
} from "./sigstore-bundle.ts";
import { readSimpleSigning, SIMPLE_SIGNING } from "./simple-signing.ts";

/** Signatures of one image that are looked at, of all kinds together; real images have a few. */
export const MAX_SIGNATURES: number = 100;
/** Of one payload or bundle; real ones have a few thousand. */
export const MAX_SIGNATURE_BYTES: number = 1024 * 1024;
/** Of all answers about one image, payloads, bundles and the documents that lead to them, which are kept with it. */
export const MAX_TOTAL_BYTES: number = 8 * 1024 * 1024;

/** What lies in the place of a signature. */
export interface FoundPlace {
  readonly format: FoundSignature["format"];
  readonly blob: Digest;
  /** The digest that it lies beside. */
  readonly image: Digest;
  readonly read: Exclude<ReadSignature, "another purpose">;
}

/**
 * Reads all signatures that lie beside an image: those beside its index first, and of each digest those
 * under its tag before those that refer to it. One that cannot be read is among them and says why.
 *
 * @param what - the image, as the user knows it, for messages
 * @throws CosignError `SIGNATURE_LIMIT` for more than `MAX_SIGNATURES`, or too many bytes of them
 * @throws whatever the repository throws, but for bytes that are not there or not as promised
 */
export async function findSignatures(
  repository: SignatureRepository,
  { index, manifest }: ImageDigests,
  what: string,
  signal: AbortSignal,
): Promise<readonly FoundPlace[]> {
  const finder = new Finder(repository, what, signal);
  for (const digest of new Set(index === undefined ? [manifest] : [index, manifest])) {
    await finder.findTagged(digest);
    await finder.findReferring(digest);
  }
  return finder.places;
}

class Finder {
  readonly places: FoundPlace[] = [];
  readonly #repository: SignatureRepository;
  readonly #what: string;
  readonly #signal: AbortSignal;
  #count = 0;
  #bytes = 0;

  constructor(repository: SignatureRepository, what: string, signal: AbortSignal) {
    this.#repository = repository;
    this.#what = what;
    this.#signal = signal;
  }

  /** @see registry.md §12.1 */
  async findTagged(image: Digest): Promise<void> {
    const document = await this.#repository.tagged(`sha256-${digestHex(image)}.sig`, this.#signal);
    this.#weigh(document?.bytes.length ?? 0);
    const manifest = document && this.#manifestIn(document);
    for (const layer of manifest?.layers ?? []) {
      if (layer.mediaType !== SIMPLE_SIGNING) continue;
      await this.#take("simple-signing", layer, image, (bytes) =>
        readSimpleSigning(bytes, layer, image),
      );
    }
  }

  /** @see registry.md §12.2 */
  async findReferring(image: Digest): Promise<void> {
    const referrers = await this.#repository.referrers(image, BUNDLE_TYPE, this.#signal);
    for (const referrer of referrers) {
      const purpose = referrer.annotations?.[PREDICATE_ANNOTATION] ?? SIGN_PREDICATE;
      this.#weigh(JSON.stringify(referrer).length);
      if (purpose !== SIGN_PREDICATE) continue;
      const layer = await this.#bundleLayer(referrer, image);
      if (layer === undefined) continue;
      await this.#take("bundle", layer, image, (bytes) =>
        readSigstoreBundle(bytes, layer.digest, image),
      );
    }
  }

  /** Undefined, and noted, for a referrer that is no manifest of a bundle of this image. */
  async #bundleLayer(referrer: Descriptor, image: Digest): Promise<Descriptor | undefined> {
    this.#weigh(referrer.size);
    const document = await unlessMissing(this.#repository.fetchDocument(referrer, this.#signal));
    const manifest = document && this.#manifestIn(document);
    const [layer, ...more] = manifest?.layers ?? [];
    if (layer?.mediaType === BUNDLE_TYPE && more.length === 0) {
      // Lists can be made up; whom the manifest itself names is what its maker meant.
      if (manifest?.subject?.digest === image) return layer;
    }
    this.#countOne();
    const reason = "expected the manifest of one bundle that refers to the image";
    this.places.push({ format: "bundle", blob: referrer.digest, image, read: { reason } });
    return undefined;
  }

  async #take(
    format: FoundSignature["format"],
    layer: Descriptor,
    image: Digest,
    read: (bytes: Uint8Array) => ReadSignature,
  ): Promise<void> {
    this.#countOne();
    const found = { format, blob: layer.digest, image };
    if (layer.size > MAX_SIGNATURE_BYTES) {
      const reason = `expected at most ${MAX_SIGNATURE_BYTES} bytes, got ${layer.size}`;
      this.places.push({ ...found, read: { reason } });
      return;
    }
    this.#weigh(layer.size);
    const bytes = await unlessMissing(this.#readBlob(layer));
    const result =
      bytes === undefined
        ? { reason: "it is not there, or not as its manifest says" }
        : read(bytes);
    if (result !== "another purpose") this.places.push({ ...found, read: result });
  }

  async #readBlob(layer: Descriptor): Promise<Uint8Array> {
    const source = this.#repository.fetch(layer, this.#signal);
    const what = `signature ${layer.digest} of ${this.#what}`;
    return await joinBytes(verified(source, layer, what));
  }

  /** Undefined for what is no manifest: nobody signed anything with it. */
  #manifestIn({ bytes, mediaType }: Document): Manifest | undefined {
    try {
      const document = parseManifestDocument(bytes, mediaType, this.#what, DEFAULT_LIMITS);
      return document.kind === "manifest" ? document : undefined;
    } catch (error) {
      if (error instanceof ImageError) return undefined;
      throw error;
    }
  }

  #countOne(): void {
    this.#count += 1;
    if (this.#count > MAX_SIGNATURES) throw this.#limit(`at most ${MAX_SIGNATURES} signatures`);
  }

  #weigh(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > MAX_TOTAL_BYTES) {
      throw this.#limit(`at most ${MAX_TOTAL_BYTES} bytes of signatures`);
    }
  }

  #limit(expected: string): CosignError {
    return new CosignError("SIGNATURE_LIMIT", `${this.#what}: expected ${expected}`);
  }
}

/** Undefined for bytes that the registry does not have, or that are others than were promised. */
async function unlessMissing<T>(wanted: Promise<T>): Promise<T | undefined> {
  try {
    return await wanted;
  } catch (error) {
    if (error instanceof ContentError) return undefined;
    if (error instanceof ImageError && error.code === "NOT_FOUND") return undefined;
    throw error;
  }
}
