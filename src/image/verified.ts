import { createHash } from "node:crypto";
import type { Descriptor } from "./descriptor.ts";
import { digestHex } from "./digest.ts";
import { ContentError } from "./image-error.ts";

/**
 * Passes the bytes of `source` on and throws before its end unless they are exactly the bytes that
 * `expected` promises. A consumer that stops early has proved nothing.
 *
 * @param what - the thing, as the user knows it, for messages
 * @throws ContentError `CONTENT_SIZE_MISMATCH` (as soon as one byte too many came, or at a short
 *   end) or `CONTENT_DIGEST_MISMATCH`
 */
export async function* verified(
  source: AsyncIterable<Uint8Array>,
  expected: Pick<Descriptor, "digest" | "size">,
  what: string,
): AsyncIterable<Uint8Array> {
  const hash = createHash("sha256");
  let got = 0;
  for await (const chunk of source) {
    got += chunk.length;
    if (got > expected.size) throw sizeMismatch(expected, what, `more than that`);
    hash.update(chunk);
    yield chunk;
  }
  if (got !== expected.size) throw sizeMismatch(expected, what, `${got}`);
  checkDigest(expected, hash.digest("hex"), what);
}

/** @throws ContentError `CONTENT_DIGEST_MISMATCH` unless `gotHex` is the digest of `expected` */
export function checkDigest(
  expected: Pick<Descriptor, "digest">,
  gotHex: string,
  what: string,
): void {
  if (gotHex === digestHex(expected.digest)) return;
  throw new ContentError(
    "CONTENT_DIGEST_MISMATCH",
    `${what}: expected digest ${expected.digest}, got sha256:${gotHex}`,
  );
}

function sizeMismatch(expected: Pick<Descriptor, "size">, what: string, got: string): ContentError {
  return new ContentError(
    "CONTENT_SIZE_MISMATCH",
    `${what}: expected ${expected.size} bytes, got ${got}`,
  );
}
