import { createHash } from "node:crypto";
import type { HttpResponse, RequestBody } from "../http/index.ts";
import { digestHex, type Digest } from "../image/index.ts";
import { answerError, uploadError } from "./answer-error.ts";
import { dataOf, type LibraryApi, protocolError } from "./library-api.ts";
import { LibraryError } from "./library-error.ts";

/** A SIF file to be uploaded; its bytes can be read more than once. */
export interface SifUpload {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  /** In Go's words. */
  readonly architecture: string;
  /** Whether it holds a signature, valid or not. */
  readonly isSigned: boolean;
  /** Whether its root file system is encrypted. */
  readonly isEncrypted: boolean;
  /** The bytes from `from` on, to but not including `to`. */
  read(from: number, to: number): AsyncIterable<Uint8Array>;
}

/** Larger files are sent in parts where the library takes them. */
const SINGLE_BYTES = 64 * 1024 * 1024;
/** What S3 takes as a part. */
const PART_BYTES = { least: 5 * 1024 * 1024, most: 5 * 1024 ** 3 };
const MOST_PARTS = 10_000;

/** Uploads the file of one image record, by the way that the library's version knows. */
export class LibraryUpload {
  readonly #api: LibraryApi;
  readonly #imageId: string;
  readonly #sif: SifUpload;
  readonly #what: string;
  readonly #onSent: (bytes: number) => void;

  constructor(
    api: LibraryApi,
    imageId: string,
    sif: SifUpload,
    what: string,
    onSent: (bytes: number) => void,
  ) {
    this.#api = api;
    this.#imageId = imageId;
    this.#sif = sif;
    this.#what = what;
    this.#onSent = onSent;
  }

  /**
   * Sends the file.
   *
   * @param knowsUploads - whether the library gives places to upload to (v2), or takes the bytes itself
   * @throws LibraryError `LIBRARY_QUOTA`, `LIBRARY_PROTOCOL`; as `uploadError` and `answerError`; HttpError
   * @see library.md §9
   */
  async send(knowsUploads: boolean, signal: AbortSignal): Promise<void> {
    const { size } = this.#sif;
    if (!knowsUploads) await this.#sendRaw(signal);
    else if (size <= SINGLE_BYTES || !(await this.#sendInParts(signal))) {
      await this.#sendAtOnce(signal);
    }
    this.#onSent(size);
  }

  async #sendRaw(signal: AbortSignal): Promise<void> {
    const url = this.#api.url(`v1/imagefile/${this.#imageId}`);
    const request = { method: "POST", headers: OCTETS, body: this.#part(0) } as const;
    const response = await this.#api.request(url, request, signal);
    await expectDone(response, this.#what, this.#api, uploadError);
  }

  async #sendAtOnce(signal: AbortSignal): Promise<void> {
    const { size, digest } = this.#sif;
    const wanted = { filesize: size, sha256sum: digestHex(digest) };
    const url = this.#api.url(`v2/imagefile/${this.#imageId}`);
    const response = await this.#api.send("POST", url, wanted, signal);
    if (![200, 201].includes(response.status)) {
      throw await uploadError(response, this.#what, this.#api.endpoint);
    }
    const place = this.#placeIn(await this.#api.read(response, this.#what), "uploadURL");
    await this.#put(place, 0, size, digestHex(digest), signal);
    await this.#ask("PUT", "/_complete", {}, signal);
  }

  /** @returns false where the library does not take parts */
  async #sendInParts(signal: AbortSignal): Promise<boolean> {
    const { size } = this.#sif;
    const begun = await this.#begin(signal);
    if (begun === undefined) return false;
    const { uploadID, partSize } = begun;
    try {
      const completedParts: object[] = [];
      for (let from = 0; from < size; from += partSize) {
        const to = Math.min(from + partSize, size);
        const partNumber = completedParts.length + 1;
        const token = await this.#sendPart({ uploadID, partNumber, from, to }, signal);
        completedParts.push({ partNumber, token });
        this.#onSent(to);
      }
      await this.#ask("PUT", "/_multipart_complete", { uploadID, completedParts }, signal);
    } catch (error) {
      await this.#abort(uploadID, signal);
      throw error;
    }
    return true;
  }

  async #begin(
    signal: AbortSignal,
  ): Promise<{ readonly uploadID: string; readonly partSize: number } | undefined> {
    const { size } = this.#sif;
    const url = this.#api.url(`v2/imagefile/${this.#imageId}/_multipart`);
    const response = await this.#api.send("POST", url, { filesize: size }, signal);
    if (response.status === 404) {
      response.discard();
      return undefined;
    }
    const { uploadID, partSize } = dataOf(await this.#api.read(response, this.#what), this.#what);
    const isSize = typeof partSize === "number" && Number.isSafeInteger(partSize);
    const fits = isSize && partSize >= PART_BYTES.least && partSize <= PART_BYTES.most;
    if (typeof uploadID === "string" && fits && size / partSize <= MOST_PARTS) {
      return { uploadID, partSize };
    }
    throw protocolError(this.#what, "an upload in parts of 5 MiB to 5 GiB", "another one");
  }

  /** @returns what the part is called by when all are there */
  async #sendPart(
    { uploadID, partNumber, from, to }: PartWish,
    signal: AbortSignal,
  ): Promise<string> {
    const hash = createHash("sha256");
    for await (const chunk of this.#sif.read(from, to)) hash.update(chunk);
    const sha256sum = hash.digest("hex");
    const wanted = { partSize: to - from, uploadID, partNumber, sha256sum };
    const send = async (): Promise<HttpResponse> => {
      const answer = await this.#ask("PUT", "/_multipart", wanted, signal);
      const place = this.#placeIn(answer, "presignedURL");
      return await this.#put(place, from, to, sha256sum, signal);
    };
    const { headers } = await orAgain(send);
    const { etag } = headers;
    if (etag !== undefined) return etag.replaceAll('"', "");
    throw protocolError(this.#what, "an ETag for a part", "none");
  }

  /** As good as it goes: what it is about failed before. */
  async #abort(uploadID: string, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    await this.#ask("PUT", "/_multipart_abort", { uploadID }, signal).catch(() => undefined);
  }

  async #ask(
    method: "PUT",
    step: string,
    body: object,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, unknown>>> {
    const url = this.#api.url(`v2/imagefile/${this.#imageId}${step}`);
    return await this.#api.sendJson(method, url, body, this.#what, signal);
  }

  #placeIn(answer: Readonly<Record<string, unknown>>, name: string): URL {
    const { [name]: text } = dataOf(answer, this.#what);
    const url = typeof text === "string" ? URL.parse(text) : null;
    const { protocol: home } = this.#api.endpoint.api;
    const isPlace =
      url !== null &&
      url.username === "" &&
      url.password === "" &&
      (url.protocol === "https:" || (url.protocol === "http:" && home === "http:"));
    if (isPlace) return url;
    throw protocolError(this.#what, `${name} to upload to`, "none that can be one");
  }

  /** The place was signed for whoever knows it: nothing of the caller's is shown there. */
  async #put(
    place: URL,
    from: number,
    to: number,
    sha256: string,
    signal: AbortSignal,
  ): Promise<HttpResponse> {
    const signed = (place.searchParams.get("X-Amz-SignedHeaders") ?? "").split(";");
    const isSigned = signed.includes("x-amz-content-sha256");
    const headers = { ...OCTETS, ...(isSigned && { "x-amz-content-sha256": sha256 }) };
    const request = { method: "PUT", headers, body: this.#part(from, to) } as const;
    const response = await this.#api.request(place, request, signal, { isAnonymous: true });
    await expectDone(response, this.#what, this.#api);
    return response;
  }

  #part(from: number, to: number = this.#sif.size): RequestBody {
    return { size: to - from, read: () => this.#sif.read(from, to) };
  }
}

interface PartWish {
  readonly uploadID: string;
  /** From 1 on. */
  readonly partNumber: number;
  readonly from: number;
  readonly to: number;
}

const OCTETS = { "content-type": "application/octet-stream" };

/** Once more, at a fresh place, where the one that was named is good no more. */
async function orAgain<Result>(send: () => Promise<Result>): Promise<Result> {
  try {
    return await send();
  } catch (error) {
    if (!(error instanceof LibraryError) || error.status !== 403) throw error;
    return await send();
  }
}

/** Lets go of an answer that says that it is done. */
async function expectDone(
  response: HttpResponse,
  what: string,
  api: LibraryApi,
  errorOf: typeof answerError = answerError,
): Promise<void> {
  if (![200, 201, 204].includes(response.status)) {
    throw await errorOf(response, what, api.endpoint);
  }
  response.discard();
}
