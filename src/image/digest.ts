import { ImageError } from "./image-error.ts";

declare const digestBrand: unique symbol;

/** `sha256:` and 64 lower-case hexadecimal digits: the one algorithm that we verify. */
export type Digest = string & { readonly [digestBrand]: "sha256" };

const PATTERN = /^sha256:[0-9a-f]{64}$/;

export function isDigest(text: string): text is Digest {
  return PATTERN.test(text);
}

/**
 * @throws ImageError `DIGEST_INVALID` for anything but `sha256:` and 64 lower-case hex digits
 * @see OCI image-spec, descriptor, digests
 */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw new ImageError(
    "DIGEST_INVALID",
    `digest ${JSON.stringify(text.slice(0, 200))}: expected sha256: and 64 lower-case hex digits`,
  );
}

/** The 64 hex digits of `digest`. */
export function digestHex(digest: Digest): string {
  return digest.slice("sha256:".length);
}
