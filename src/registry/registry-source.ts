import { createHash } from "node:crypto";
import { type Limits, limitError } from "../base/index.ts";
import { contentLength, type HttpClient, type HttpResponse, readUpTo } from "../http/index.ts";
import {
  checkDigest,
  ContentError,
  type Descriptor,
  type Digest,
  type Document,
  type ImageName,
  type ImageSource,
  isDigest,
  parseDigest,
  verified,
} from "../image/index.ts";
import { answerError } from "./answer-error.ts";
import { Authenticator } from "./authenticator.ts";
import { endpoint, type EndpointKind } from "./endpoint.ts";
import { RegistryError } from "./registry-error.ts";

/** One repository of a registry, opened for one name in it. */
export interface RegistrySource extends ImageSource {
  readonly origin: string;
}

export interface RegistrySourceOptions {
  readonly name: ImageName;
  /** Stays the caller's, who closes it. */
  readonly client: HttpClient;
  readonly limits: Limits;
  /** Of the same client, so that its sources share their tokens; one of its own where absent. */
  readonly authenticator?: Authenticator;
}

/** The media type of what came without one; see `Document`. */
export const UNLABELLED = "application/octet-stream";

// A plain list, without weights: some servers read nothing else, and without the list at all old
// ones convert to schema 1.
const MANIFEST_TYPES = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");

/**
 * The repository of `name` as an image source. Nothing is asked before the first call, and nothing
 * is remembered between calls but tokens. All methods throw, besides what is said at each:
 * `ImageError` `NOT_FOUND`, `RegistryError` with any of its codes, `HttpError` with any of its
 * codes, and `AbortError`.
 *
 * https always, but for the hosts that the client speaks plain http to.
 *
 * @see OCI distribution-spec 1.1, pulling; registry.md §1
 */
export function openRegistrySource(options: RegistrySourceOptions): RegistrySource {
  return new Repository(options);
}

class Repository implements RegistrySource {
  readonly origin: string;
  readonly #name: ImageName;
  readonly #client: HttpClient;
  readonly #authenticator: Authenticator;
  readonly #limits: Limits;

  constructor(options: RegistrySourceOptions) {
    this.origin = options.name.domain;
    this.#name = options.name;
    this.#client = options.client;
    this.#authenticator = options.authenticator ?? new Authenticator(options.client);
    this.#limits = options.limits;
  }

  async resolve(signal: AbortSignal): Promise<Descriptor> {
    const { tag, digest } = this.#name;
    const reference = digest ?? tag;
    if (reference === undefined) throw new Error(`${this.#called()}: neither tag nor digest`);
    const what = this.#called(reference);
    const head = await this.#ask("HEAD", "manifests", reference, signal);
    const claimed = head.status === 200 ? claimOf(head, digest) : undefined;
    if (claimed !== undefined || [401, 404, 429].includes(head.status)) {
      if (claimed === undefined) throw await answerError(head, what);
      head.discard();
      return claimed;
    }
    // Some servers refuse HEAD, or answer it without the headers; the bytes tell all.
    head.discard();
    return await this.#resolveByBytes(reference, what, signal);
  }

  async fetchDocument(descriptor: Descriptor, signal: AbortSignal): Promise<Document> {
    const { digest, size } = descriptor;
    const what = this.#called(digest);
    this.#checkDocumentSize(size, what);
    const response = await this.#get("manifests", digest, what, signal);
    checkLength(response, descriptor, what);
    const chunks: Uint8Array[] = [];
    // Holds no more than `size`: the first byte beyond it throws.
    for await (const chunk of verified(response.body, descriptor, what)) chunks.push(chunk);
    return { bytes: Buffer.concat(chunks), mediaType: mediaTypeOf(response) ?? UNLABELLED };
  }

  async *fetch(descriptor: Descriptor, signal: AbortSignal, from = 0): AsyncIterable<Uint8Array> {
    const what = this.#called(descriptor.digest);
    const range = from === 0 ? {} : { range: `bytes=${from}-` };
    const response = await this.#ask("GET", "blobs", descriptor.digest, signal, range);
    if (from > 0 && response.status === 206) {
      checkRange(response, descriptor, from, what);
      yield* response.body;
      return;
    }
    if (response.status !== 200) throw await answerError(response, what);
    checkLength(response, descriptor, what);
    // A server that knows no ranges sends what we have once more.
    yield* from === 0 ? response.body : without(from, response.body);
  }

  has(descriptor: Descriptor, signal: AbortSignal): Promise<boolean> {
    return this.#exists("blobs", descriptor.digest, signal);
  }

  hasManifest(descriptor: Descriptor, signal: AbortSignal): Promise<boolean> {
    return this.#exists("manifests", descriptor.digest, signal);
  }

  async #resolveByBytes(reference: string, what: string, signal: AbortSignal): Promise<Descriptor> {
    const response = await this.#get("manifests", reference, what, signal);
    const announced = contentLength(response.headers);
    if (announced !== undefined) this.#checkDocumentSize(announced, what, response);
    const { bytes, more } = await readUpTo(response, this.#limits.manifestBytes);
    if (more) throw limitError(this.#limits, "manifestBytes", what);
    const hex = createHash("sha256").update(bytes).digest("hex");
    const { digest } = this.#name;
    if (digest !== undefined) checkDigest({ digest }, hex, what);
    return {
      mediaType: mediaTypeOf(response) ?? UNLABELLED,
      digest: parseDigest(`sha256:${hex}`),
      size: bytes.length,
    };
  }

  async #exists(kind: EndpointKind, digest: Digest, signal: AbortSignal): Promise<boolean> {
    const response = await this.#ask("HEAD", kind, digest, signal).catch(unlessRefused);
    if (response === undefined) return false;
    // 405 too: where HEAD is not allowed, permission is not shown.
    if (![200, 401, 403, 404, 405].includes(response.status)) {
      throw await answerError(response, this.#called(digest));
    }
    response.discard();
    return response.status === 200;
  }

  /** @returns an answer with status 200 and its body to come */
  async #get(
    kind: EndpointKind,
    reference: string,
    what: string,
    signal: AbortSignal,
  ): Promise<HttpResponse> {
    const response = await this.#ask("GET", kind, reference, signal);
    if (response.status === 200) return response;
    throw await answerError(response, what);
  }

  async #ask(
    method: "GET" | "HEAD",
    kind: EndpointKind,
    reference: string,
    signal: AbortSignal,
    more: Readonly<Record<string, string>> = {},
  ): Promise<HttpResponse> {
    const url = endpoint(this.#name, kind, reference, (host) => this.#client.allowsPlainHttp(host));
    const accept = kind === "manifests" ? MANIFEST_TYPES : "*/*";
    const request = { method, url, headers: { accept, ...more } };
    return await this.#authenticator.request(request, this.#name, signal);
  }

  #checkDocumentSize(size: number, what: string, response?: HttpResponse): void {
    if (size <= this.#limits.manifestBytes) return;
    response?.discard();
    throw limitError(this.#limits, "manifestBytes", what, size);
  }

  /** The repository, or something in it, as messages name it. */
  #called(reference?: string): string {
    const repository = `${this.#name.domain}/${this.#name.repository}`;
    if (reference === undefined) return repository;
    return `${repository}${isDigest(reference) ? "@" : ":"}${reference}`;
  }
}

/** A token service that refuses says the same as a registry that does. */
function unlessRefused(error: unknown): undefined {
  if (!(error instanceof RegistryError)) throw error;
  if (error.code !== "REGISTRY_UNAUTHORIZED" && error.code !== "REGISTRY_DENIED") throw error;
}

/**
 * What a HEAD says of a manifest; undefined where it says too little. Only a claim: whatever is
 * fetched by this descriptor is checked against it.
 */
function claimOf(head: HttpResponse, named: Digest | undefined): Descriptor | undefined {
  const digest = named ?? head.headers["docker-content-digest"];
  const size = contentLength(head.headers);
  const mediaType = mediaTypeOf(head);
  if (digest === undefined || !isDigest(digest) || mediaType === undefined) return undefined;
  // Frameworks that forget the length of an answer to HEAD say 0; no manifest is that short.
  return size === undefined || size === 0 ? undefined : { mediaType, digest, size };
}

// RFC 6838 §4.2, restricted names.
const MEDIA_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/;

function mediaTypeOf(response: HttpResponse): string | undefined {
  const type = response.headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase();
  return type !== undefined && MEDIA_TYPE.test(type) ? type : undefined;
}

/** @throws ContentError `CONTENT_SIZE_MISMATCH` when other bytes come than those from `from` to the end */
function checkRange(
  response: HttpResponse,
  { size }: Descriptor,
  from: number,
  what: string,
): void {
  const got = response.headers["content-range"] ?? "none";
  if (got === `bytes ${from}-${size - 1}/${size}` || got === `bytes ${from}-${size - 1}/*`) return;
  response.discard();
  throw new ContentError(
    "CONTENT_SIZE_MISMATCH",
    `${what}: expected bytes ${from} to ${size - 1} of ${size}, got a Content-Range of ${got.slice(0, 100)}`,
  );
}

async function* without(count: number, body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  let left = count;
  for await (const chunk of body) {
    if (left < chunk.length) yield chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}

/** @throws ContentError `CONTENT_SIZE_MISMATCH` when the headers already tell of another size */
function checkLength(response: HttpResponse, expected: Descriptor, what: string): void {
  const announced = contentLength(response.headers);
  if (announced === undefined || announced === expected.size) return;
  response.discard();
  throw new ContentError(
    "CONTENT_SIZE_MISMATCH",
    `${what}: expected ${expected.size} bytes, got a Content-Length of ${announced}`,
  );
}
