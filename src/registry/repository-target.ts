import type { HttpResponse, RequestBody } from "../http/index.ts";
import { HttpError } from "../http/index.ts";
import {
  ContentError,
  type Descriptor,
  type Digest,
  type ImageName,
  isDigest,
} from "../image/index.ts";
import { answerError } from "./answer-error.ts";
import type { Authenticator, RegistryAnswer, RegistryRequest } from "./authenticator.ts";
import type { Clock } from "../http/index.ts";
import type { Credentials } from "./credential.ts";
import { endpoint as urlAt, uploadsUrl } from "./endpoint.ts";
import type { RegistryEndpoint, RegistryHosts } from "./registry-endpoint.ts";
import { RegistryError } from "./registry-error.ts";
import { closingLocation, uploadedBytes, uploadLocation } from "./upload-location.ts";

/** Bytes to be uploaded, which can be read more than once. */
export interface BlobBytes {
  readonly descriptor: Descriptor;
  /** The bytes from `from` on, to but not including `to`. */
  read(from: number, to: number): AsyncIterable<Uint8Array>;
}

export interface RepositoryTargetOptions {
  readonly name: ImageName;
  readonly clock: Clock;
  readonly random: () => number;
  readonly authenticator: Authenticator;
  readonly hosts: RegistryHosts;
  readonly credentials: Credentials;
}

/** Smaller blobs go in one request, larger ones in pieces of at least so many bytes. */
const CHUNK_BYTES = 32 * 1024 * 1024;
/** No host may make us send more at a time than this. */
const MAX_CHUNK_BYTES = 1024 * 1024 * 1024;
/** Breaks in a row that an upload does not survive without having come on in between. */
const MAX_BREAKS = 5;
/** Having come on so far, past where it ever was, an upload may break as often again. */
const PROGRESS_BYTES = 1024 * 1024;
const PAUSE_MS = 500;

/**
 * One repository of a registry, to be written to: at the registry itself and never at a mirror.
 * All methods throw, besides what is said at each: `RegistryError` and `HttpError` with any of their
 * codes, what hosts and credentials throw, and `AbortError`.
 *
 * @see OCI distribution-spec 1.1, pushing; registry.md §1.6
 */
export class RepositoryTarget {
  readonly #options: RepositoryTargetOptions;
  #endpoint: Promise<RegistryEndpoint> | undefined;

  constructor(options: RepositoryTargetOptions) {
    this.#options = options;
  }

  /**
   * Uploads a blob, unless it is there: what breaks off goes on where the host says that it is.
   *
   * @param options.from - another repository of the registry that may have it, to be asked first
   * @param options.onSent - told how many bytes are at the host
   * @returns whether bytes had to be sent
   * @throws RegistryError `REGISTRY_UPLOAD` where the host does not keep to the protocol
   */
  async putBlob(
    blob: BlobBytes,
    options: { readonly from?: string; readonly onSent?: (bytes: number) => void },
    signal: AbortSignal,
  ): Promise<boolean> {
    const { descriptor } = blob;
    const { digest, size } = descriptor;
    const what = this.#called(`@${digest}`);
    if (await this.#has(digest, what, signal)) return false;
    const opened = await this.#open(digest, options.from, what, signal);
    if (opened === undefined) return false;
    const onSent = options.onSent ?? (() => undefined);
    const minimum = Number(opened.headers["oci-chunk-min-length"] ?? "0");
    const chunk = Math.max(CHUNK_BYTES, Number.isSafeInteger(minimum) ? minimum : 0);
    if (chunk > MAX_CHUNK_BYTES) throw this.#protocol(what, `pieces of ${chunk} bytes`);
    let place = uploadLocation(opened, what);
    opened.discard();
    if (size > chunk) place = await this.#sendChunks(blob, place, chunk, onSent, signal);
    const body = size > chunk ? undefined : bodyOf(blob, 0, size);
    await this.#close(closingLocation(place, digest), body, what, signal);
    onSent(size);
    return true;
  }

  /**
   * Puts a manifest under a tag or its digest.
   *
   * @throws ContentError `CONTENT_DIGEST_MISMATCH` where the registry says that it got another one
   */
  async putManifest(
    reference: string,
    { digest, mediaType }: Descriptor,
    bytes: Uint8Array,
    signal: AbortSignal,
  ): Promise<void> {
    const endpoint = await this.#host(signal);
    const url = urlAt(endpoint, this.#options.name.repository, "manifests", reference);
    const what = this.#called(isDigest(reference) ? `@${reference}` : `:${reference}`);
    const headers = { "content-type": mediaType };
    const answer = await this.#ask({ method: "PUT", url, headers, body: bytes }, signal);
    const { response } = answer;
    if (response.status !== 201) throw await answerError(response, what, answer.who);
    response.discard();
    const claimed = response.headers["docker-content-digest"];
    if (claimed === undefined || claimed === digest || !isDigest(claimed)) return;
    throw new ContentError(
      "CONTENT_DIGEST_MISMATCH",
      `${what}: expected the registry to keep ${digest}, got ${claimed}`,
    );
  }

  async #has(digest: Digest, what: string, signal: AbortSignal): Promise<boolean> {
    const url = urlAt(await this.#host(signal), this.#options.name.repository, "blobs", digest);
    const { response, who } = await this.#ask({ method: "HEAD", url }, signal);
    if (response.status === 200) {
      response.discard();
      return true;
    }
    if (response.status !== 404) throw await answerError(response, what, who);
    response.discard();
    return false;
  }

  /** Begins an upload; undefined where the blob is there now, mounted from elsewhere. */
  async #open(
    digest: Digest,
    from: string | undefined,
    what: string,
    signal: AbortSignal,
  ): Promise<HttpResponse | undefined> {
    const url = uploadsUrl(await this.#host(signal), this.#options.name.repository);
    if (from !== undefined) url.search = new URLSearchParams({ mount: digest, from }).toString();
    const { response, who } = await this.#ask({ method: "POST", url }, signal);
    if (from !== undefined && response.status === 201) {
      response.discard();
      return undefined;
    }
    if (response.status !== 202) throw await answerError(response, what, who);
    return response;
  }

  async #sendChunks(
    blob: BlobBytes,
    begun: URL,
    chunk: number,
    onSent: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<URL> {
    const { size, digest } = blob.descriptor;
    const what = this.#called(`@${digest}`);
    let place = begun;
    let at = 0;
    let breaks = 0;
    /** Where the breaks are counted from. */
    let since = 0;
    while (at < size) {
      const to = Math.min(at + chunk, size);
      let failure: HttpError | RegistryError | undefined;
      try {
        const response = await this.#sendChunk(blob, place, at, to, what, signal);
        place = uploadLocation(response, what);
        at = uploadedBytes(response) ?? to;
      } catch (error) {
        if (!isBreak(error)) throw error;
        failure = error;
      }
      // A host that says yes and keeps less than it was sent would be sent it without end.
      if (failure !== undefined || at < to) {
        breaks += 1;
        if (breaks === MAX_BREAKS)
          throw failure ?? this.#protocol(what, `${at} bytes kept of ${to}`);
        await this.#pause(breaks, signal);
        const there = await this.#progress(place, what, signal);
        place = there.place;
        at = there.bytes;
      }
      if (at > to) throw this.#protocol(what, `that it has ${at} bytes of ${to}`);
      if (at - since >= PROGRESS_BYTES) {
        breaks = 0;
        since = at;
      }
      onSent(at);
    }
    return place;
  }

  async #sendChunk(
    blob: BlobBytes,
    url: URL,
    from: number,
    to: number,
    what: string,
    signal: AbortSignal,
  ): Promise<HttpResponse> {
    const headers = {
      "content-type": "application/octet-stream",
      "content-range": `${from}-${to - 1}`,
    };
    // Not tried again by itself: what of it came is asked for first.
    const request = {
      method: "PATCH",
      url,
      headers,
      body: bodyOf(blob, from, to),
      tries: 1,
    } as const;
    const { response, who } = await this.#ask(request, signal);
    // 201 and 204 by servers of old.
    if (![201, 202, 204].includes(response.status)) {
      throw await answerError(response, what, who);
    }
    response.discard();
    return response;
  }

  async #pause(breaks: number, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options;
    await clock.sleep(random() * PAUSE_MS * 2 ** (breaks - 1), signal);
  }

  /** How far an upload is, and where it goes on. */
  async #progress(
    url: URL,
    what: string,
    signal: AbortSignal,
  ): Promise<{ readonly place: URL; readonly bytes: number }> {
    const { response, who } = await this.#ask({ method: "GET", url }, signal);
    if (response.status !== 204) throw await answerError(response, what, who);
    response.discard();
    const place = response.headers["location"] === undefined ? url : uploadLocation(response, what);
    return { place, bytes: uploadedBytes(response) ?? 0 };
  }

  async #close(
    url: URL,
    body: RequestBody | undefined,
    what: string,
    signal: AbortSignal,
  ): Promise<void> {
    const headers = { "content-type": "application/octet-stream" };
    const request = { method: "PUT", url, headers, ...(body && { body }) } as const;
    const { response, who } = await this.#ask(request, signal);
    if (response.status !== 201 && response.status !== 204) {
      throw await answerError(response, what, who);
    }
    response.discard();
  }

  async #ask(request: RegistryRequest, signal: AbortSignal): Promise<RegistryAnswer> {
    const { name, authenticator, credentials } = this.#options;
    const endpoint = await this.#host(signal);
    const { repository } = name;
    const called = this.#called();
    const caller = { endpoint, repository, called, actions: "pull,push", credentials } as const;
    return await authenticator.request(request, caller, signal);
  }

  /** The registry itself: what is pushed to a mirror is nowhere else. */
  async #host(signal: AbortSignal): Promise<RegistryEndpoint> {
    this.#endpoint ??= this.#findHost(signal);
    try {
      return await this.#endpoint;
    } catch (error) {
      this.#endpoint = undefined;
      throw error;
    }
  }

  async #findHost(signal: AbortSignal): Promise<RegistryEndpoint> {
    const { hosts, name } = this.#options;
    const endpoint = (await hosts.endpointsOf(name, signal)).at(-1);
    if (endpoint?.can.has("push") === true) return endpoint;
    throw new RegistryError(
      "REGISTRY_NO_HOST",
      `${this.#called()}: expected a host that may be pushed to, got none`,
    );
  }

  #protocol(what: string, got: string): RegistryError {
    return new RegistryError("REGISTRY_UPLOAD", `${what}: expected an upload to go on, got ${got}`);
  }

  #called(reference = ""): string {
    const { domain, repository } = this.#options.name;
    return `${domain}/${repository}${reference}`;
  }
}

function isBreak(error: unknown): error is HttpError | RegistryError {
  if (error instanceof HttpError) return error.retryable;
  // 416: the host has other bytes of it than we think, and says which when it is asked.
  return (
    error instanceof RegistryError &&
    [408, 416, 429, 500, 502, 503, 504].includes(error.status ?? 0)
  );
}

function bodyOf(blob: BlobBytes, from: number, to: number): RequestBody {
  return { size: to - from, read: () => blob.read(from, to) };
}
