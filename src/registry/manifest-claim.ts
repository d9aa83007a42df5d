import { contentLength, type HttpResponse } from "../http/index.ts";
import { type Descriptor, type Digest, isDigest } from "../image/index.ts";

/**
 * What a HEAD says of a manifest; undefined where it says too little. Only a claim: whatever is
 * fetched by this descriptor is checked against it.
 *
 * @param named - the digest that was asked for
 */
export function manifestClaim(
  head: HttpResponse,
  named: Digest | undefined,
): Descriptor | undefined {
  const digest = named ?? head.headers["docker-content-digest"];
  const size = contentLength(head.headers);
  const mediaType = mediaTypeOf(head);
  if (digest === undefined || !isDigest(digest) || mediaType === undefined) return undefined;
  // Frameworks that forget the length of an answer to HEAD say 0; no manifest is that short.
  return size === undefined || size === 0 ? undefined : { mediaType, digest, size };
}

// RFC 6838 §4.2, restricted names.
const MEDIA_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/;

/** The media type of an answer, lower case, without parameters; undefined for none or no such. */
export function mediaTypeOf(response: Pick<HttpResponse, "headers">): string | undefined {
  const type = response.headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase();
  return type !== undefined && MEDIA_TYPE.test(type) ? type : undefined;
}
