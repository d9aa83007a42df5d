import { HttpError, type HttpResponse } from "../http/index.ts";
import { type BlobPart, blobBody, type Span } from "../transfer/index.ts";
import { answerError } from "./answer-error.ts";
import type { LibraryApi, LibraryRequest } from "./library-api.ts";

/**
 * The file of an image, as the library gives it or whoever it sends us to. A place that it named is
 * asked for further parts until it refuses one: signed URLs last for minutes. Then the library is asked
 * for a fresh one.
 *
 * @see library.md §7 step 4, §8
 */
export class ImageFile {
  readonly #api: LibraryApi;
  readonly #url: URL;
  readonly #what: string;
  #place: URL | undefined;

  /** @param item - the name as the library has it: `e/c/n:tag` */
  constructor(api: LibraryApi, item: string, architecture: string, what: string) {
    this.#api = api;
    this.#url = api.url(`v1/imagefile/${item}`, { arch: architecture });
    this.#what = what;
  }

  /**
   * Opens a part.
   *
   * @param size - of the whole file, in bytes
   * @throws ContentError `CONTENT_SIZE_MISMATCH` where the headers tell of another file or part
   * @throws as `answerError`; HttpError
   */
  async open(span: Span, size: number, signal: AbortSignal): Promise<BlobPart> {
    const { from, to } = span;
    const isWhole = from === 0 && to === size;
    const range = isWhole ? {} : { range: `bytes=${from}-${to - 1}` };
    const response = await this.#ask(range, signal);
    const refusal = (): Promise<Error> => answerError(response, this.#what, this.#api.endpoint);
    return {
      body: await blobBody(response, span, size, this.#what, refusal),
      isPart: isWhole || response.status === 206,
      brokeOff: () => {
        this.#place = undefined;
      },
    };
  }

  /** The answer to a request for all of it, whatever its status is. */
  async openWhole(signal: AbortSignal): Promise<HttpResponse> {
    return await this.#ask({}, signal);
  }

  async #ask(range: Readonly<Record<string, string>>, signal: AbortSignal): Promise<HttpResponse> {
    const request: LibraryRequest = { method: "GET", headers: { accept: "*/*", ...range } };
    const known = this.#place && (await this.#askPlace(this.#place, request, signal));
    if (known !== undefined) return known;
    const response = await this.#api.request(this.#url, request, signal);
    if (response.url.href !== this.#url.href) this.#place = response.url;
    return response;
  }

  /** What a place answers that the library named before; undefined where that is no good any more. */
  async #askPlace(
    place: URL,
    request: LibraryRequest,
    signal: AbortSignal,
  ): Promise<HttpResponse | undefined> {
    try {
      const response = await this.#api.request(place, { ...request, tries: 1 }, signal);
      if (response.status === 200 || response.status === 206) return response;
      response.discard();
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
    }
    if (this.#place === place) this.#place = undefined;
    return undefined;
  }
}
