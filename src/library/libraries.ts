import type { Limits } from "../base/index.ts";
import { contentLength, type HttpClient, isSameDomain, terminalText } from "../http/index.ts";
import {
  ContentError,
  formatLibraryName,
  formatPlatform,
  ImageError,
  MEDIA_TYPES,
  type BlobSource,
  type Descriptor,
  type Digest,
  type ImageSource,
  type LibraryName,
} from "../image/index.ts";
import type { Transfers } from "../transfer/index.ts";
import { answerError, readRefusal } from "./answer-error.ts";
import { architecturesOf } from "./architectures.ts";
import { ImageFile } from "./image-file.ts";
import { parseImageMetadata, type ImageMetadata } from "./image-metadata.ts";
import { dataOf, JSON_REQUEST, LibraryApi, readObject } from "./library-api.ts";
import { type LibraryHosts, type LibraryToken, usualEndpoint } from "./library-endpoint.ts";
import { LibraryError } from "./library-error.ts";
import { LibrarySource } from "./library-source.ts";
import { LibraryTarget } from "./library-target.ts";
import { type FoundRegistry, OciRedirects } from "./oci-redirect.ts";
import { type LibraryAnswer, probeLibrary } from "./probe-library.ts";
import { pushToRegistry } from "./push-to-registry.ts";
import type { NamedRegistry, RegistryOpener } from "./registry-opener.ts";

export interface LibrariesOptions {
  /** Stays the caller's, who closes it. */
  readonly client: HttpClient;
  readonly limits: Limits;
  readonly transfers: Transfers;
  readonly registries: RegistryOpener;
  /** Where libraries are; where their hosts say so where absent. */
  readonly hosts?: LibraryHosts;
}

/** What is asked for, and by whom. */
export interface LibraryWish {
  /** In Go's words: libraries know no variants. */
  readonly architecture: string;
  /** In place of the usual one. */
  readonly token?: LibraryToken | undefined;
  /** Told what is wrong with the caller's own files, and yet no failure. */
  readonly warn?: (message: string) => void;
}

/** What a library has under a name. */
export type FoundImage =
  | { readonly kind: "file"; readonly source: BlobSource; readonly file: Descriptor }
  | UnverifiedFile
  /** An OCI image in the registry behind the library. */
  | { readonly kind: "image"; readonly source: ImageSource; readonly repository: string };

/** A SIF file of whose bytes the library says too little. */
export interface UnverifiedFile {
  readonly kind: "unverified";
  readonly origin: string;
  /** Undefined: any bytes. */
  readonly digest: Digest | undefined;
  /** Undefined: any number of bytes. */
  readonly size: number | undefined;
  /** What the SIF's header must hold; undefined: anything. */
  readonly uuid: string | undefined;
  /** The bytes, unchecked but for their number where it was said. */
  read(signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** All libraries as one client reaches them. */
export class Libraries {
  readonly #options: LibrariesOptions;
  readonly #hosts: LibraryHosts;
  readonly #redirects: OciRedirects = new OciRedirects();

  constructor(options: LibrariesOptions) {
    this.#options = options;
    this.#hosts = options.hosts ?? {
      endpointOf: (host) => Promise.resolve(usualEndpoint(host, options.client)),
    };
  }

  /**
   * Looks up what `name` means now, by its metadata alone.
   *
   * @throws ImageError `NOT_FOUND`, `PLATFORM_NOT_FOUND` with the architectures that there are
   * @throws ContentError `CONTENT_DIGEST_MISMATCH` where the library says another hash than the name pins
   * @throws LibraryError with any of its codes: `LIBRARY_UNVERIFIED` where it tells no hash or no size
   *   and is not configured as unverified
   * @throws HttpError, and what hosts throw
   * @see library.md §7, §8
   */
  async find(name: LibraryName, wish: LibraryWish, signal: AbortSignal): Promise<FoundImage> {
    const api = await this.#apiOf(name.host, wish, signal);
    const image = new NamedImage(name, wish.architecture, api);
    const metadata = await image.metadata(signal);
    if (metadata === "oci-image") return await this.#openImage(image, signal);
    const { size } = metadata;
    const digest = image.digestOf(metadata);
    if (digest === undefined || size === undefined) return this.#unverified(image, metadata);
    const file = { mediaType: MEDIA_TYPES.sifLayer, digest, size };
    const source = new LibrarySource({
      ...this.#options,
      origin: name.host,
      what: image.what,
      file,
      architecture: wish.architecture,
      imageFile: image.file(),
      openRegistry: async (stop) => await this.#openRegistry(image, stop),
    });
    return { kind: "file", source, file };
  }

  /**
   * The SIF file that `name` means now, as far as the library promises it.
   *
   * @throws as `find`; LibraryError `LIBRARY_UNVERIFIED` for a library that is configured so, too, and
   *   `LIBRARY_UNSUPPORTED` for an OCI image
   */
  async describe(
    name: LibraryName,
    wish: LibraryWish,
    signal: AbortSignal,
  ): Promise<Pick<Descriptor, "digest" | "size">> {
    const found = await this.find(name, wish, signal);
    if (found.kind === "file") return found.file;
    const what = formatLibraryName(name);
    throw found.kind === "image"
      ? new LibraryError("LIBRARY_UNSUPPORTED", `${what}: expected a SIF, got an OCI image`)
      : new LibraryError("LIBRARY_UNVERIFIED", `${what}: expected its sha256 and size, got less`);
  }

  /**
   * The container of `name` to push to.
   *
   * @param name - with all three parts of its path
   * @throws what hosts throw
   */
  async openTarget(
    name: Pick<LibraryName, "host" | "path">,
    caller: Omit<LibraryWish, "architecture">,
    stop: AbortSignal,
  ): Promise<LibraryTarget> {
    const api = await this.#apiOf(name.host, caller, stop);
    const what = `${name.host}/${name.path}`;
    const { registries, limits } = this.#options;
    return new LibraryTarget(api, name, what, async (sif, tags, onSent, signal) => {
      const [tag = "latest"] = tags;
      const first = { host: name.host, path: name.path, tag };
      const findPlace = async (stop: AbortSignal): Promise<NamedRegistry | undefined> =>
        await this.#redirects.find(api, first, "pull,push", what, stop);
      const options = { registries, limits, findPlace, what, onSent };
      return await pushToRegistry(sif, tags, options, signal);
    });
  }

  /**
   * Asks the library at `host` what it is, and whether it knows its caller.
   *
   * @throws as `probeLibrary`; and what hosts throw
   */
  async probe(
    host: string,
    caller: Omit<LibraryWish, "architecture">,
    signal: AbortSignal,
  ): Promise<LibraryAnswer> {
    return await probeLibrary(await this.#apiOf(host, caller, signal), `library ${host}`, signal);
  }

  /** @throws LibraryError `LIBRARY_DISCOVERY` for a token that is not for where the library is said to be */
  async #apiOf(
    host: string,
    { token, warn = () => undefined }: Omit<LibraryWish, "architecture">,
    signal: AbortSignal,
  ): Promise<LibraryApi> {
    const endpoint = await this.#hosts.endpointOf(host, warn, signal);
    const caller = { ...endpoint, token: token ?? endpoint.token };
    const { api, namedBy } = endpoint;
    const isStranger =
      namedBy !== undefined &&
      caller.token !== undefined &&
      !(await isSameDomain(api.hostname, namedBy.hostname));
    if (!isStranger) return new LibraryApi(this.#options.client, caller);
    throw new LibraryError(
      "LIBRARY_DISCOVERY",
      `library ${host}: expected to be sent to a library that may be shown its token, got ${api.host}, ` +
        "which is of another domain (give it as the endpoint under libraries if it is trusted)",
    );
  }

  async #openRegistry(
    { api, name, what }: NamedImage,
    signal: AbortSignal,
  ): Promise<FoundRegistry | undefined> {
    const place = await this.#redirects.find(api, name, "pull", what, signal);
    if (place === undefined) return undefined;
    const { registries } = this.#options;
    return {
      open: (digest) => {
        const named = digest === undefined ? place.name : { ...place.name, digest };
        return registries.openNamed({ ...place, name: named });
      },
    };
  }

  async #openImage(image: NamedImage, signal: AbortSignal): Promise<FoundImage> {
    const { api, name, what } = image;
    const place =
      name.digest === undefined
        ? await this.#redirects.find(api, name, "pull", what, signal)
        : undefined;
    if (place === undefined) {
      const message = `${what}: expected a SIF, got an OCI image that the library does not give`;
      throw new LibraryError("LIBRARY_UNSUPPORTED", message);
    }
    const source = this.#options.registries.openNamed(place);
    return { kind: "image", source, repository: place.name.repository };
  }

  #unverified(image: NamedImage, { hash, size }: ImageMetadata): UnverifiedFile {
    const { api, name, what } = image;
    const { host } = name;
    if (!api.endpoint.isUnverified) {
      const got = hash === undefined ? "no hash" : size === undefined ? "no size" : "an old hash";
      throw new LibraryError(
        "LIBRARY_UNVERIFIED",
        `${what}: expected the sha256 and the size of the file from the library, got ${got}; ` +
          `it is pulled where libraries in the configuration has ${host} as unverified`,
      );
    }
    const { transfers } = this.#options;
    const file = image.file();
    return {
      kind: "unverified",
      origin: host,
      digest: name.digest ?? (hash?.kind === "sha256" ? hash.digest : undefined),
      size,
      uuid: hash?.kind === "uuid" ? hash.uuid : undefined,
      async *read(signal) {
        const total = size ?? (yield* withoutLength(file, what, api, signal));
        if (total === undefined) return;
        const span = { from: 0, to: total };
        yield* transfers.read(host, span, (part, stop) => file.open(part, total, stop), signal);
      },
    };
  }
}

/** Gives all of a file that is sent without its length; else says what the length is. */
async function* withoutLength(
  file: ImageFile,
  what: string,
  { endpoint }: LibraryApi,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, number | undefined> {
  const response = await file.openWhole(signal);
  if (response.status !== 200) throw await answerError(response, what, endpoint);
  const length = contentLength(response.headers);
  if (length === undefined) yield* response.body;
  else response.discard();
  return length;
}

/** One name, for one architecture, as one caller asks for it. */
class NamedImage {
  readonly name: LibraryName;
  readonly architecture: string;
  readonly api: LibraryApi;
  /** As messages name it. */
  readonly what: string;

  constructor(name: LibraryName, architecture: string, api: LibraryApi) {
    this.name = name;
    this.architecture = architecture;
    this.api = api;
    this.what = formatLibraryName(name);
  }

  get #item(): string {
    return `${this.name.path}:${this.name.tag}`;
  }

  file(): ImageFile {
    return new ImageFile(this.api, this.#item, this.architecture, this.what);
  }

  /** What the library says of the image; or that it is an OCI image, and no SIF. */
  async metadata(signal: AbortSignal): Promise<ImageMetadata | "oci-image"> {
    const { api, what, architecture } = this;
    const url = api.url(`v1/images/${this.#item}`, { arch: architecture });
    const response = await api.request(url, JSON_REQUEST, signal);
    if (response.status !== 200) {
      const { error, isOciImage } = await readRefusal(response, what, api.endpoint);
      if (isOciImage) return "oci-image";
      throw error.code === "NOT_FOUND" ? await this.#notFound(error, signal) : error;
    }
    const metadata = parseImageMetadata(dataOf(await readObject(response, what), what), what);
    if (metadata.isUploaded === false) {
      throw new ImageError("NOT_FOUND", `${what}: expected its file in the library, got none yet`);
    }
    if (metadata.architecture !== undefined && metadata.architecture !== architecture) {
      throw this.#noArchitecture([metadata.architecture]);
    }
    return metadata;
  }

  /**
   * What the image is made of, as far as anybody says it: what the name pins comes before what the library
   * says.
   *
   * @throws ContentError `CONTENT_DIGEST_MISMATCH` where they differ
   */
  digestOf({ hash }: ImageMetadata): Digest | undefined {
    const pinned = this.name.digest;
    const said = hash?.kind === "sha256" ? hash.digest : undefined;
    if (pinned !== undefined && said !== undefined && pinned !== said) {
      throw new ContentError(
        "CONTENT_DIGEST_MISMATCH",
        `${this.what}: expected digest ${pinned}, the library has ${said} under this name`,
      );
    }
    return pinned ?? said;
  }

  /** Says which architectures there are, where there are some. */
  async #notFound(error: Error, signal: AbortSignal): Promise<Error> {
    const { name, architecture } = this;
    const there = await architecturesOf(this.api, name, this.what, signal);
    const isOther = there.length > 0 && !there.includes(architecture);
    return isOther ? this.#noArchitecture(there) : error;
  }

  #noArchitecture(there: readonly string[]): ImageError {
    const platform = (architecture: string): string =>
      formatPlatform({ os: "linux", architecture: terminalText(architecture, 20) });
    const has = there.map(platform).join(", ");
    const message = `${this.what} has no image for ${platform(this.architecture)}; it has ${has}`;
    return new ImageError("PLATFORM_NOT_FOUND", message);
  }
}
