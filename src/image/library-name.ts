import { parseDigest, type Digest } from "./digest.ts";
import { ImageError } from "./image-error.ts";
import { parseRef } from "./parse-ref.ts";
import { quoteName } from "./quote-name.ts";
import { LIBRARY_SCHEME, LIBRARY_URI } from "./reference.ts";

/**
 * One parsed name in a library.
 *
 * @see library.md §2
 */
export interface LibraryName {
  /** `cloud.sylabs.io` for the default library, else its host and optional port. */
  readonly host: string;
  /** `entity/collection/container`, or fewer parts: the library fills what is missing. */
  readonly path: string;
  /** What is looked up: a tag, or the `sha256.…` of the file. */
  readonly tag: string;
  /** Of the file, where the tag is its hash. */
  readonly digest?: Digest;
}

/** Whether `ref` is written as a name in a library; it may be malformed. */
export function isLibraryName(ref: string): boolean {
  return ref.startsWith(LIBRARY_SCHEME) || ref.startsWith(`${LIBRARY_URI}/`);
}

/**
 * The name in a library that `ref` means.
 *
 * @throws ImageError `NOT_LIBRARY` for a reference of another family; and as `parseRef`
 */
export function libraryNameOf(ref: string): LibraryName {
  const reference = parseRef(ref);
  const uri = reference.uri();
  const name = reference.tags()[0] ?? reference.digests()[0] ?? "";
  if (uri === LIBRARY_URI) return nameOf(LIBRARY_URI, name.slice(LIBRARY_URI.length + 1));
  if (uri.startsWith(LIBRARY_SCHEME)) return nameOf(uri.slice(LIBRARY_SCHEME.length), name);
  throw new ImageError("NOT_LIBRARY", `${quoteName(ref)}: expected a name in a library`);
}

/** `text` was parsed before: it has one colon. */
function nameOf(host: string, text: string): LibraryName {
  const [path = "", tag = ""] = text.split(":");
  const hex = /^sha256\.([0-9a-f]{64})$/.exec(tag)?.[1];
  return { host, path, tag, ...(hex !== undefined && { digest: parseDigest(`sha256:${hex}`) }) };
}

/** The canonical text: `cloud.sylabs.io/e/c/n:1`, `library://lib.example/e/c/n:1`. */
export function formatLibraryName({ host, path, tag }: LibraryName): string {
  return `${host === LIBRARY_URI ? host : LIBRARY_SCHEME + host}/${path}:${tag}`;
}
