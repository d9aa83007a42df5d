import { joinBytes, type Limits } from "../base/index.ts";
import {
  choosePlatform,
  contentKey,
  formatPlatform,
  hasOciSifLayers,
  ImageError,
  normalizePlatform,
  parseImageConfig,
  parseManifestDocument,
  sifFileOf,
  verified,
  type Descriptor,
  type Digest,
  type ImageConfig,
  type ImageSource,
  type Platform,
} from "../image/index.ts";
import { limitError } from "../base/index.ts";
import { orOnceMore } from "./or-once-more.ts";

/** How many indexes may lead to a manifest, one inside the other. */
const MOST_INDEXES = 3;

/** One layer of a resolved image. */
export interface ResolvedLayer {
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
}

/** A SIF file that is taken as it is: of an artifact whose manifest was read and checked, or by itself. */
export interface ResolvedSif {
  readonly kind: "sif";
  /** What the name means now: an index, the manifest, or the file itself. */
  readonly root: Descriptor;
  /** Undefined where the name means the file itself. */
  readonly manifestDigest: Digest | undefined;
  readonly file: Descriptor;
}

/** An image whose documents were read and checked: everything but its layers. */
export interface ResolvedImage {
  readonly kind: "layers";
  /** What the name means now: an index or the manifest itself. */
  readonly root: Descriptor;
  readonly manifestDigest: Digest;
  readonly configDigest: Digest;
  readonly config: ImageConfig;
  readonly layers: readonly ResolvedLayer[];
  /** Design decision 2. */
  readonly contentKey: string;
}

/** The blobs of an image, each with the diffID that it unpacks to: what a source delivers. */
export function deliveriesOf(
  image: ResolvedImage,
): { readonly blobDigest: Digest; readonly diffId: Digest }[] {
  return image.layers.map(({ descriptor, diffId }) => ({ blobDigest: descriptor.digest, diffId }));
}

/**
 * Reads the documents of an image, from what its name means down to its configuration, or to the
 * manifest of a SIF artifact. Every byte is checked against its digest before it is parsed.
 *
 * @param root - what the source resolved the name to
 * @param what - the image, as messages name it
 * @throws ImageError `PLATFORM_NOT_FOUND`, `MANIFEST_*`, `CONFIG_INVALID`, `OCI_SIF`
 * @throws LimitError `LIMIT_MANIFEST_BYTES`, `LIMIT_CONFIG_BYTES`, `LIMIT_LAYERS`
 */
export async function resolveImage(
  source: ImageSource,
  root: Descriptor,
  wanted: Platform,
  what: string,
  limits: Limits,
  signal: AbortSignal,
): Promise<ResolvedImage | ResolvedSif> {
  let descriptor = root;
  for (let depth = 0; depth <= MOST_INDEXES; depth += 1) {
    const { bytes, mediaType } = await source.fetchDocument(descriptor, signal);
    const document = parseManifestDocument(bytes, mediaType, what, limits);
    if (document.kind === "manifest") {
      const file = sifFileOf(document.layers);
      const manifestDigest = descriptor.digest;
      if (file !== undefined) return { kind: "sif", root, manifestDigest, file };
      if (hasOciSifLayers(document.layers)) throw ociSif(what);
      const config = await fetchConfig(source, document.config, what, limits, signal);
      checkPlatform(config, wanted, what);
      return {
        kind: "layers",
        root,
        manifestDigest,
        configDigest: document.config.digest,
        config,
        layers: pairLayers(document.layers, config, what),
        contentKey: contentKey(config),
      };
    }
    const chosen = choosePlatform(document.manifests, wanted);
    if (chosen === undefined) throw noPlatform(document.manifests, wanted, what);
    descriptor = chosen;
  }
  throw new ImageError(
    "MANIFEST_INVALID",
    `${what}: more than ${MOST_INDEXES} indexes, one inside the other`,
  );
}

async function fetchConfig(
  source: ImageSource,
  descriptor: Descriptor,
  what: string,
  limits: Limits,
  signal: AbortSignal,
): Promise<ImageConfig> {
  const name = `configuration of ${what}`;
  if (descriptor.size > limits.configBytes) {
    throw limitError(limits, "configBytes", name, descriptor.size);
  }
  const read = async (): Promise<Uint8Array> =>
    await joinBytes(verified(source.fetch(descriptor, signal), descriptor, name));
  return parseImageConfig(await orOnceMore(source, read), name);
}

function pairLayers(
  layers: readonly Descriptor[],
  config: ImageConfig,
  what: string,
): ResolvedLayer[] {
  if (layers.length !== config.diffIds.length) {
    throw new ImageError(
      "CONFIG_INVALID",
      `${what}: its manifest has ${layers.length} layers, its configuration ${config.diffIds.length} diffIDs`,
    );
  }
  return layers.map((descriptor, index) => {
    const diffId = config.diffIds[index];
    if (diffId === undefined) throw new Error(`no diffID ${index}`);
    return { descriptor, diffId };
  });
}

/** An image for another architecture is never taken for the one that was asked for. */
function checkPlatform(config: ImageConfig, wanted: Platform, what: string): void {
  const have = normalizePlatform(config);
  const want = normalizePlatform(wanted);
  if (have.os === want.os && have.architecture === want.architecture) return;
  throw new ImageError(
    "PLATFORM_NOT_FOUND",
    `${what} is for ${formatPlatform(have)}, expected ${formatPlatform(want)}`,
  );
}

/** The error for an image in a form that only SingularityCE 4 reads. */
export function ociSif(what: string): ImageError {
  return new ImageError(
    "OCI_SIF",
    `${what}: expected an image of OCI layers or a SIF with a root file system, got an OCI-SIF, which only SingularityCE 4 and later run`,
  );
}

function noPlatform(manifests: readonly Descriptor[], wanted: Platform, what: string): ImageError {
  const have = manifests.flatMap(({ platform }) =>
    platform === undefined ? [] : [formatPlatform(platform)],
  );
  return new ImageError(
    "PLATFORM_NOT_FOUND",
    `${what} has no image for ${formatPlatform(wanted)}; it has ${have.join(", ") || "none"}`,
  );
}
