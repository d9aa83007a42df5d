import { createHash } from "node:crypto";
import { joinBytes, type Limits, limitError } from "../base/index.ts";
import {
  contentLength,
  type HttpClient,
  HttpError,
  type HttpResponse,
  readUpTo,
} from "../http/index.ts";
import {
  checkDigest,
  ContentError,
  type Descriptor,
  type Digest,
  type Document,
  ImageError,
  type ImageName,
  type ImageSource,
  isDigest,
  parseDigest,
  verified,
} from "../image/index.ts";
import {
  type BlobPart,
  blobBody,
  checkLength,
  type Span,
  type Transfers,
} from "../transfer/index.ts";
import { answerError } from "./answer-error.ts";
import type { Authenticator, RegistryAnswer } from "./authenticator.ts";
import type { Credentials } from "./credential.ts";
import { endpoint as urlAt, type EndpointKind } from "./endpoint.ts";
import { EndpointWalk } from "./endpoint-walk.ts";
import { manifestClaim, mediaTypeOf } from "./manifest-claim.ts";
import type { Capability, RegistryEndpoint, RegistryHosts } from "./registry-endpoint.ts";
import { RegistryError } from "./registry-error.ts";

/** One repository of a registry, opened for one name in it. */
export interface RegistrySource extends ImageSource {
  readonly origin: string;
}

export interface RegistrySourceOptions {
  readonly name: ImageName;
  /** Stays the caller's, who closes it. */
  readonly client: HttpClient;
  /** Of the same client, so that its sources share their tokens. */
  readonly authenticator: Authenticator;
  readonly hosts: RegistryHosts;
  readonly credentials: Credentials;
  readonly limits: Limits;
  readonly transfers: Transfers;
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

/** Times that a document is asked for when what came of it was no good, and the pauses between. */
const MOST_BREAKS = 3;
const PAUSE_MS = 500;

/** Tries at a host that another one can stand in for. */
const MIRROR_TRIES = 2;

/**
 * One repository at all the hosts that serve it. Nothing is asked before the first call, and nothing
 * is remembered between calls but tokens and which mirrors were of no use.
 */
export class RepositorySource implements RegistrySource {
  readonly origin: string;
  readonly #options: RegistrySourceOptions;
  #hosts: Promise<EndpointWalk> | undefined;
  /** Who delivered a blob to its end: asked for it again, somebody else is asked first. */
  readonly #delivered: Map<Digest, RegistryEndpoint> = new Map<Digest, RegistryEndpoint>();

  constructor(options: RegistrySourceOptions) {
    this.origin = options.name.domain;
    this.#options = options;
  }

  async resolve(signal: AbortSignal): Promise<Descriptor> {
    const { tag, digest } = this.#options.name;
    const reference = digest ?? tag;
    if (reference === undefined) throw new Error(`${this.#called()}: neither tag nor digest`);
    const what = this.#called(reference);
    const capability = digest === undefined ? "resolve" : "pull";
    return await this.#first(capability, what, signal, async (endpoint, isLast) => {
      const head = await this.#ask("HEAD", endpoint, "manifests", reference, isLast, signal);
      const { response } = head;
      const claimed = response.status === 200 ? manifestClaim(response, digest) : undefined;
      if (claimed !== undefined || [401, 404, 429].includes(response.status)) {
        if (claimed === undefined) throw await answerError(response, what, head.who);
        response.discard();
        return claimed;
      }
      // Some servers refuse HEAD, or answer it without the headers; the bytes tell all.
      response.discard();
      return await this.#resolveByBytes(endpoint, reference, isLast, signal);
    });
  }

  async fetchDocument(descriptor: Descriptor, signal: AbortSignal): Promise<Document> {
    const { digest, size } = descriptor;
    const what = this.#called(digest);
    this.#checkDocumentSize(size, what);
    const fetchOnce = async (): Promise<Document> =>
      await this.#first("pull", what, signal, async (endpoint, isLast) => {
        const answer = await this.#ask("GET", endpoint, "manifests", digest, isLast, signal);
        const response = await expectOk(answer, what);
        checkLength(response, size, what);
        // Holds no more than `size`: the first byte beyond it throws.
        const bytes = await joinBytes(verified(response.body, descriptor, what));
        return { bytes, mediaType: mediaTypeOf(response) ?? UNLABELLED };
      });
    for (let breaks = 1; ; breaks += 1) {
      try {
        return await fetchOnce();
      } catch (error) {
        if (breaks === MOST_BREAKS || !isBroken(error)) throw error;
      }
      const { clock, random } = this.#options.client;
      await clock.sleep(random() * PAUSE_MS * 2 ** (breaks - 1), signal);
    }
  }

  async *fetch(descriptor: Descriptor, signal: AbortSignal, from = 0): AsyncIterable<Uint8Array> {
    const last = from === 0 ? this.#delivered.get(descriptor.digest) : undefined;
    const open = (span: Span, stop: AbortSignal): Promise<BlobPart> =>
      this.#openBlob(descriptor, span, last, stop);
    const span = { from, to: descriptor.size };
    yield* this.#options.transfers.read(this.origin, span, open, signal);
  }

  has(descriptor: Descriptor, signal: AbortSignal): Promise<boolean> {
    return this.#exists("blobs", descriptor.digest, signal);
  }

  hasManifest(descriptor: Descriptor, signal: AbortSignal): Promise<boolean> {
    return this.#exists("manifests", descriptor.digest, signal);
  }

  /** Opens a blob at the first host that has it. */
  async #openBlob(
    descriptor: Descriptor,
    { from, to }: Span,
    last: RegistryEndpoint | undefined,
    signal: AbortSignal,
  ): Promise<BlobPart> {
    const { digest, size } = descriptor;
    const what = this.#called(digest);
    const isWhole = from === 0 && to === size;
    const walk = await this.#walk(signal);
    return await walk.first(
      "pull",
      what,
      async (endpoint, isLast) => {
        const range = isWhole ? {} : { range: `bytes=${from}-${to === size ? "" : to - 1}` };
        const answer = await this.#ask("GET", endpoint, "blobs", digest, isLast, signal, range);
        const { response, who } = answer;
        const refusal = (): Promise<Error> => answerError(response, what, who);
        const body = await blobBody(response, { from, to }, size, what, refusal);
        this.#delivered.set(digest, endpoint);
        return {
          body,
          isPart: isWhole || response.status === 206,
          brokeOff: () => {
            walk.giveUp(endpoint);
          },
        };
      },
      last,
    );
  }

  async #resolveByBytes(
    endpoint: RegistryEndpoint,
    reference: string,
    isLast: boolean,
    signal: AbortSignal,
  ): Promise<Descriptor> {
    const what = this.#called(reference);
    const { limits, name } = this.#options;
    const answer = await this.#ask("GET", endpoint, "manifests", reference, isLast, signal);
    const response = await expectOk(answer, what);
    const announced = contentLength(response.headers);
    if (announced !== undefined) this.#checkDocumentSize(announced, what, response);
    const { bytes, more } = await readUpTo(response, limits.manifestBytes);
    if (more) throw limitError(limits, "manifestBytes", what);
    const hex = createHash("sha256").update(bytes).digest("hex");
    if (name.digest !== undefined) checkDigest({ digest: name.digest }, hex, what);
    return {
      mediaType: mediaTypeOf(response) ?? UNLABELLED,
      digest: parseDigest(`sha256:${hex}`),
      size: bytes.length,
    };
  }

  async #exists(kind: EndpointKind, digest: Digest, signal: AbortSignal): Promise<boolean> {
    const what = this.#called(digest);
    const walk = await this.#walk(signal);
    const ask = async (endpoint: RegistryEndpoint, isLast: boolean): Promise<boolean> => {
      const asked = this.#ask("HEAD", endpoint, kind, digest, isLast, signal);
      const answer = await asked.catch(unlessRefused);
      if (answer === undefined) return nextOr(isLast, what);
      const { response, who } = answer;
      if (response.status === 200) {
        response.discard();
        return true;
      }
      // 405 too: where HEAD is not allowed, permission is not shown.
      if (![401, 403, 404, 405].includes(response.status)) {
        throw await answerError(response, what, who);
      }
      response.discard();
      return nextOr(isLast, what);
    };
    return await walk.first("pull", what, ask);
  }

  async #first<T>(
    capability: Capability,
    what: string,
    signal: AbortSignal,
    ask: (endpoint: RegistryEndpoint, isLast: boolean) => Promise<T>,
  ): Promise<T> {
    return await (await this.#walk(signal)).first(capability, what, ask);
  }

  async #walk(signal: AbortSignal): Promise<EndpointWalk> {
    const { hosts, name } = this.#options;
    this.#hosts ??= hosts.endpointsOf(name, signal).then((all) => new EndpointWalk(all));
    try {
      return await this.#hosts;
    } catch (error) {
      this.#hosts = undefined;
      throw error;
    }
  }

  async #ask(
    method: "GET" | "HEAD",
    endpoint: RegistryEndpoint,
    kind: EndpointKind,
    reference: string,
    isLast: boolean,
    signal: AbortSignal,
    more: Readonly<Record<string, string>> = {},
  ): Promise<RegistryAnswer> {
    const { name, authenticator, credentials } = this.#options;
    const { repository } = name;
    const url = urlAt(endpoint, repository, kind, reference);
    const accept = kind === "manifests" ? MANIFEST_TYPES : "*/*";
    const headers = { accept, ...more };
    const request = { method, url, headers, ...(!isLast && { tries: MIRROR_TRIES }) };
    const called = this.#called();
    const caller = { endpoint, repository, called, actions: "pull", credentials } as const;
    return await authenticator.request(request, caller, signal);
  }

  #checkDocumentSize(size: number, what: string, response?: HttpResponse): void {
    const { limits } = this.#options;
    if (size <= limits.manifestBytes) return;
    response?.discard();
    throw limitError(limits, "manifestBytes", what, size);
  }

  /** The repository, or something in it, as messages name it. */
  #called(reference?: string): string {
    const { domain, repository } = this.#options.name;
    const place = `${domain}/${repository}`;
    if (reference === undefined) return place;
    return `${place}${isDigest(reference) ? "@" : ":"}${reference}`;
  }
}

/** Whether a document came, but not to its end or not as it is. */
function isBroken(error: unknown): boolean {
  return error instanceof ContentError || (error instanceof HttpError && error.retryable);
}

/** @returns an answer with status 200 and its body to come */
async function expectOk({ response, who }: RegistryAnswer, what: string): Promise<HttpResponse> {
  if (response.status === 200) return response;
  throw await answerError(response, what, who);
}

/** A token service that refuses says the same as a registry that does. */
function unlessRefused(error: unknown): undefined {
  if (!(error instanceof RegistryError)) throw error;
  if (error.code !== "REGISTRY_UNAUTHORIZED" && error.code !== "REGISTRY_DENIED") throw error;
}

/** No, as far as the last host is concerned; any other one leaves it to the next. */
function nextOr(isLast: boolean, what: string): false {
  if (isLast) return false;
  throw new ImageError("NOT_FOUND", `${what}: not to be read there`);
}
