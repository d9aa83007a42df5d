import { type Limits, Secret } from "../base/index.ts";
import { HttpError, type HttpResponse } from "../http/index.ts";
import {
  choosePlatform,
  formatPlatform,
  ImageError,
  type ImageName,
  type ImageSource,
  parseImageName,
  parseManifestDocument,
  sifFileOf,
  type Descriptor,
  type Digest,
  type LibraryName,
} from "../image/index.ts";
import { NOT_OFFERED } from "./answer-error.ts";
import { JSON_REQUEST, type LibraryApi, protocolError, readObject } from "./library-api.ts";
import { LibraryError } from "./library-error.ts";
import type { NamedRegistry } from "./registry-opener.ts";

/** A library that has none will not learn it so soon. */
const MEMORY_MS = 3600 * 1000;
/** An index of architectures, and the manifest. */
const MOST_DOCUMENTS = 2;

/** What is done at the registry. */
export type RegistryAccess = "pull" | "pull,push";

/** Which libraries lead to no registry: each is asked once an hour. */
export class OciRedirects {
  readonly #unsupportedUntilMs: Map<string, number> = new Map<string, number>();

  /**
   * Asks where the registry behind a library has `name`.
   *
   * @returns undefined where it does not say, for whatever reason: libraries of old have none
   * @throws LibraryError `LIBRARY_PROTOCOL` for a place that cannot be one
   * @see library.md §4, §7 step 3
   */
  async find(
    api: LibraryApi,
    name: LibraryName,
    access: RegistryAccess,
    what: string,
    signal: AbortSignal,
  ): Promise<NamedRegistry | undefined> {
    const { href } = api.endpoint.api;
    if (api.client.clock.now() < (this.#unsupportedUntilMs.get(href) ?? 0)) return undefined;
    const answer = await this.#ask(api, name, access, what, signal);
    return answer === undefined ? undefined : placeOf(answer, api, name, what);
  }

  async #ask(
    api: LibraryApi,
    { path }: LibraryName,
    accessTypes: RegistryAccess,
    what: string,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, unknown>> | undefined> {
    const url = api.url("v1/oci-redirect", { namespace: path, accessTypes, mapped: "1" });
    try {
      const response = await api.request(url, { ...JSON_REQUEST, tries: 1 }, signal);
      if (response.status === 200) return await readObject(response, what);
      this.#note(api, response);
      response.discard();
    } catch (error) {
      if (!(error instanceof HttpError) && !(error instanceof LibraryError)) throw error;
    }
    return undefined;
  }

  #note({ client, endpoint }: LibraryApi, { status }: HttpResponse): void {
    if (!NOT_OFFERED.includes(status)) return;
    this.#unsupportedUntilMs.set(endpoint.api.href, client.clock.now() + MEMORY_MS);
  }
}

function placeOf(
  answer: Readonly<Record<string, unknown>>,
  api: LibraryApi,
  { tag }: LibraryName,
  what: string,
): NamedRegistry {
  const { url, name, token } = answer;
  const home = api.endpoint.api;
  const base = typeof url === "string" ? URL.parse(url) : null;
  const isPlace =
    base !== null &&
    base.username === "" &&
    base.password === "" &&
    base.search === "" &&
    base.hash === "" &&
    (base.protocol === "https:" || (base.protocol === "http:" && home.protocol === "http:"));
  if (!isPlace) throw protocolError(what, "the URL of a registry from the library", "none");
  if (!base.pathname.endsWith("/")) base.pathname += "/";
  const image = typeof name === "string" ? nameAt(base.host, name, tag) : undefined;
  if (image === undefined) throw protocolError(what, "a repository from the library", "none");
  const isToken = typeof token === "string" && /^[\x21-\x7e]+$/.test(token);
  const ca = api.endpoint.tls?.ca;
  return {
    base,
    name: image,
    token: isToken ? new Secret(token) : undefined,
    ...(ca && { ca }),
    namedBy: api.namedBy,
  };
}

function nameAt(host: string, repository: string, tag: string): ImageName | undefined {
  try {
    const name = parseImageName(`${host}/${repository}:${tag}`);
    return name.domain === host && name.repository === repository ? name : undefined;
  } catch (error) {
    if (error instanceof ImageError) return undefined;
    throw error;
  }
}

/** A name in the registry behind a library. */
export interface FoundRegistry {
  /** What the name means, or the image with this digest beside it. */
  open(digest?: Digest): ImageSource;
}

/**
 * The SIF file that a name in a library's registry stands for, and the source that it comes from.
 *
 * @throws LibraryError `LIBRARY_UNSUPPORTED` for an image that is no SIF; ImageError
 *   `PLATFORM_NOT_FOUND`, `MANIFEST_INVALID`; and what the registry throws
 * @see library.md §7 step 3; registry.md §11
 */
export async function findSif(
  registry: FoundRegistry,
  architecture: string,
  what: string,
  limits: Limits,
  signal: AbortSignal,
): Promise<{ readonly source: ImageSource; readonly file: Descriptor }> {
  const wanted = { os: "linux", architecture };
  const source = registry.open();
  let descriptor = await source.resolve(signal);
  for (let documents = 1; documents <= MOST_DOCUMENTS; documents += 1) {
    const { bytes, mediaType } = await source.fetchDocument(descriptor, signal);
    const document = parseManifestDocument(bytes, mediaType, what, limits);
    if (document.kind === "manifest") {
      const file = sifFileOf(document.layers);
      if (file !== undefined) return { source, file };
      const message = `${what}: expected a SIF in the library's registry, got another image`;
      throw new LibraryError("LIBRARY_UNSUPPORTED", message);
    }
    const chosen = choosePlatform(document.manifests, wanted);
    if (chosen === undefined) {
      const message = `${what} has no image for ${formatPlatform(wanted)} in the library's registry`;
      throw new ImageError("PLATFORM_NOT_FOUND", message);
    }
    // The vendor's clients leave the size out of the indexes that they push.
    const isWhole = chosen.size > 0;
    descriptor = isWhole ? chosen : await registry.open(chosen.digest).resolve(signal);
  }
  throw protocolError(what, "a manifest in an index", "another index");
}
