import { contentLength, type HttpResponse } from "../http/index.ts";
import { ContentError } from "../image/index.ts";
import { contentRange, type Span } from "./content-range.ts";

/**
 * The bytes of a blob from `asked.from` on, out of a host's answer: no more than were asked for, and
 * fewer where the host chose to send fewer.
 *
 * @param size - of the whole blob, in bytes
 * @param refusal - reads any other answer and makes the error that it stands for
 * @throws ContentError `CONTENT_SIZE_MISMATCH` when the headers already tell of other bytes, and at
 *   the first byte beyond the part that they told of
 * @throws what `refusal` makes
 * @see registry.md §1.3; RFC 9110 §14.4, §15.3.7
 */
export async function blobBody(
  response: HttpResponse,
  asked: Span,
  size: number,
  what: string,
  refusal: () => Promise<Error>,
): Promise<AsyncIterable<Uint8Array>> {
  const { status } = response;
  if (status === 200) {
    checkLength(response, size, what);
    // A host that knows no ranges sends all of it once more.
    return part(response.body, asked);
  }
  const { from, to } = asked;
  const isPart = from > 0 || to < size;
  if (!isPart || (status !== 206 && status !== 416)) throw await refusal();
  const range = status === 206 ? contentRange(response.headers, asked, size) : undefined;
  if (range === undefined) {
    response.discard();
    const got = response.headers["content-range"]?.slice(0, 100) ?? "none";
    throw new ContentError(
      "CONTENT_SIZE_MISMATCH",
      `${what}: expected bytes ${from} to ${to - 1} of ${size}, got a Content-Range of ${got}`,
    );
  }
  checkLength(response, range.to - range.from, what);
  return exactly(response.body, range.to - range.from, what);
}

/** @throws ContentError `CONTENT_SIZE_MISMATCH` when the headers already tell of another length */
export function checkLength(response: HttpResponse, expected: number, what: string): void {
  const announced = contentLength(response.headers);
  if (announced === undefined || announced === expected) return;
  response.discard();
  throw new ContentError(
    "CONTENT_SIZE_MISMATCH",
    `${what}: expected ${expected} bytes, got a Content-Length of ${announced}`,
  );
}

/** What lies in `span` of a whole blob; what comes after it too where it goes to the blob's end. */
async function* part(body: AsyncIterable<Uint8Array>, { from }: Span): AsyncIterable<Uint8Array> {
  let left = from;
  for await (const chunk of body) {
    const skipped = Math.min(left, chunk.length);
    left -= skipped;
    if (skipped < chunk.length) yield chunk.subarray(skipped);
  }
}

async function* exactly(
  body: AsyncIterable<Uint8Array>,
  length: number,
  what: string,
): AsyncIterable<Uint8Array> {
  let left = length;
  for await (const chunk of body) {
    left -= chunk.length;
    if (left < 0) {
      throw new ContentError(
        "CONTENT_SIZE_MISMATCH",
        `${what}: expected ${length} bytes of a part, got more than that`,
      );
    }
    yield chunk;
  }
}
