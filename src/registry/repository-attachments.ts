import { limitError } from "../base/index.ts";
import { contentLength, type HttpResponse, readUpTo } from "../http/index.ts";
import {
  type Descriptor,
  type Digest,
  digestHex,
  type Document,
  ImageError,
  isIndexType,
  parseManifestDocument,
} from "../image/index.ts";
import { answerError } from "./answer-error.ts";
import { endpoint as urlAt } from "./endpoint.ts";
import { EndpointWalk } from "./endpoint-walk.ts";
import { mediaTypeOf } from "./manifest-claim.ts";
import type { RegistryEndpoint } from "./registry-endpoint.ts";
import { RegistryError } from "./registry-error.ts";
import { RepositorySource, type RegistrySourceOptions, UNLABELLED } from "./registry-source.ts";

/** Of one list; real ones have one. */
const MAX_PAGES = 20;
/** Of the wanted type; an image has a few. */
const MAX_REFERRERS = 1000;

const INDEX_TYPE = "application/vnd.oci.image.index.v1+json";

/**
 * What people attached to the images of one repository: signatures and the like. All methods throw,
 * besides what is said at each: `RegistryError` and `HttpError` with any of their codes, what hosts
 * and credentials throw, and `AbortError`.
 *
 * A host that leaves something out of an answer cannot be caught at it.
 */
export class RepositoryAttachments {
  readonly #options: RegistrySourceOptions;
  readonly #source: RepositorySource;

  constructor(options: RegistrySourceOptions) {
    this.#options = options;
    this.#source = new RepositorySource(options);
  }

  /**
   * The manifest or index that `tag` names; undefined where there is none.
   *
   * @throws LimitError `LIMIT_MANIFEST_BYTES`; ContentError as `fetchDocument` does
   */
  async tagged(tag: string, signal: AbortSignal): Promise<Document | undefined> {
    const { domain, repository } = this.#options.name;
    const source = new RepositorySource({ ...this.#options, name: { domain, repository, tag } });
    try {
      return await source.fetchDocument(await source.resolve(signal), signal);
    } catch (error) {
      if (error instanceof ImageError && error.code === "NOT_FOUND") return undefined;
      throw error;
    }
  }

  /**
   * The manifests of `artifactType` that name `digest` as their subject, in the order of the list.
   * Hosts without this part of the API have the list under a tag, which pushing clients keep.
   *
   * @throws RegistryError `REGISTRY_REFERRERS` for a list of too many, or one that goes on elsewhere
   * @throws LimitError `LIMIT_MANIFEST_BYTES` for a page that is too large
   * @see OCI distribution-spec 1.1, end-12 and referrers tag schema; registry.md §1.5
   */
  async referrers(
    digest: Digest,
    artifactType: string,
    signal: AbortSignal,
  ): Promise<readonly Descriptor[]> {
    const { hosts, name } = this.#options;
    const what = this.#called(digest);
    const found = new Referrers(artifactType, what);
    const walk = new EndpointWalk(await hosts.endpointsOf(name, signal));
    try {
      await walk.first("referrers", what, async (endpoint, isLast) => {
        found.clear();
        await this.#readList(endpoint, digest, found, signal);
        // A mirror may keep no lists of its own and still answer.
        if (found.list.length === 0 && !isLast) throw notThere(what);
      });
    } catch (error) {
      if (!lacksApi(error)) throw error;
      found.clear();
      const document = await this.tagged(`sha256-${digestHex(digest)}`, signal);
      if (document !== undefined) found.add(this.#entriesOf(document, what) ?? []);
    }
    return found.list;
  }

  /** Reads a manifest whole; see `ImageSource`. */
  async fetchDocument(descriptor: Descriptor, signal: AbortSignal): Promise<Document> {
    return await this.#source.fetchDocument(descriptor, signal);
  }

  /** Streams a blob, unchecked; see `ImageSource`. */
  fetch(descriptor: Descriptor, signal: AbortSignal): AsyncIterable<Uint8Array> {
    return this.#source.fetch(descriptor, signal);
  }

  /** All pages of one host's list. */
  async #readList(
    endpoint: RegistryEndpoint,
    digest: Digest,
    found: Referrers,
    signal: AbortSignal,
  ): Promise<void> {
    const what = this.#called(digest);
    let next: URL | undefined = urlAt(endpoint, this.#options.name.repository, "referrers", digest);
    next.searchParams.set("artifactType", found.artifactType);
    const seen = new Set<string>();
    while (next !== undefined) {
      if (seen.size === MAX_PAGES || seen.has(next.href)) {
        throw refused(what, `at most ${MAX_PAGES} pages of referrers, each once`);
      }
      seen.add(next.href);
      const response = await this.#page(endpoint, next, what, signal);
      found.add(await this.#entriesIn(response, what));
      next = nextPage(response, endpoint, what);
    }
  }

  async #page(
    endpoint: RegistryEndpoint,
    url: URL,
    what: string,
    signal: AbortSignal,
  ): Promise<HttpResponse> {
    const { name, authenticator, credentials } = this.#options;
    const { repository } = name;
    const called = `${name.domain}/${repository}`;
    const caller = { endpoint, repository, called, actions: "pull", credentials } as const;
    const request = { method: "GET", url, headers: { accept: INDEX_TYPE } } as const;
    const { response, who } = await authenticator.request(request, caller, signal);
    if (response.status !== 200) throw await answerError(response, what, who);
    return response;
  }

  /** @throws ImageError `NOT_FOUND` for an answer that is no index: the host does not know the question */
  async #entriesIn(response: HttpResponse, what: string): Promise<readonly Descriptor[]> {
    const { limits } = this.#options;
    const announced = contentLength(response.headers) ?? 0;
    if (announced > limits.manifestBytes) {
      response.discard();
      throw limitError(limits, "manifestBytes", what, announced);
    }
    const { bytes, more } = await readUpTo(response, limits.manifestBytes);
    if (more) throw limitError(limits, "manifestBytes", what);
    const entries = this.#entriesOf(
      { bytes, mediaType: mediaTypeOf(response) ?? UNLABELLED },
      what,
    );
    if (entries === undefined) throw notThere(what);
    return entries;
  }

  /** Undefined for what is no index. */
  #entriesOf({ bytes, mediaType }: Document, what: string): readonly Descriptor[] | undefined {
    try {
      const document = parseManifestDocument(bytes, mediaType, what, this.#options.limits);
      return isIndexType(document.mediaType) && document.kind === "index"
        ? document.manifests
        : undefined;
    } catch (error) {
      if (error instanceof ImageError) return undefined;
      throw error;
    }
  }

  #called(digest: Digest): string {
    const { domain, repository } = this.#options.name;
    return `referrers of ${domain}/${repository}@${digest}`;
  }
}

/** Those of one type, each once, and no more than there may be. */
class Referrers {
  readonly artifactType: string;
  readonly #what: string;
  readonly #byDigest: Map<Digest, Descriptor> = new Map<Digest, Descriptor>();

  constructor(artifactType: string, what: string) {
    this.artifactType = artifactType;
    this.#what = what;
  }

  get list(): readonly Descriptor[] {
    return [...this.#byDigest.values()];
  }

  clear(): void {
    this.#byDigest.clear();
  }

  add(entries: readonly Descriptor[]): void {
    for (const entry of entries) {
      // Hosts may pass over what they were asked to leave out.
      if (entry.artifactType !== this.artifactType) continue;
      this.#byDigest.set(entry.digest, entry);
      if (this.#byDigest.size <= MAX_REFERRERS) continue;
      throw refused(this.#what, `at most ${MAX_REFERRERS} of ${this.artifactType}`);
    }
  }
}

/**
 * Where a list goes on; undefined at its end.
 *
 * @throws RegistryError `REGISTRY_REFERRERS` for a place at another host, which must not get what is
 *   sent to this one
 * @see RFC 8288; registry.md §13.1, pages without end
 */
function nextPage(
  response: HttpResponse,
  endpoint: RegistryEndpoint,
  what: string,
): URL | undefined {
  const target = /<([^<>]*)>\s*;\s*rel="?next"?(?:\s*[;,]|\s*$)/i.exec(
    response.headers["link"] ?? "",
  )?.[1];
  if (target === undefined) return undefined;
  const url = URL.parse(target, response.url.href);
  const { origin, pathname } = endpoint.api;
  if (url?.origin === origin && url.pathname.startsWith(pathname) && url.username === "") {
    url.hash = "";
    return url;
  }
  throw refused(what, "the next page at the same host, got one elsewhere");
}

function lacksApi(error: unknown): boolean {
  if (error instanceof ImageError) return error.code === "NOT_FOUND";
  // No host may be asked for lists; the tag is an ordinary manifest.
  return error instanceof RegistryError && error.code === "REGISTRY_NO_HOST";
}

function notThere(what: string): ImageError {
  return new ImageError("NOT_FOUND", `${what}: expected a list, got none`);
}

function refused(what: string, expected: string): RegistryError {
  return new RegistryError("REGISTRY_REFERRERS", `${what}: expected ${expected}`);
}
