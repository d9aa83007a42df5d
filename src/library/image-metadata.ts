import { parseDigest, type Digest } from "../image/index.ts";
import { protocolError } from "./library-api.ts";

/** What a library says of the bytes of an image. */
export type LibraryHash =
  | { readonly kind: "sha256"; readonly digest: Digest }
  /** The UUID in the SIF's header, which says nothing about its bytes. */
  | { readonly kind: "uuid"; readonly uuid: string };

/** What a library says of an image; open servers leave out much of it. */
export interface ImageMetadata {
  readonly id: string | undefined;
  readonly hash: LibraryHash | undefined;
  /** Bytes; at least 1. */
  readonly size: number | undefined;
  /** In Go's words. */
  readonly architecture: string | undefined;
  /** Whether its file is there; undefined where that is not said. */
  readonly isUploaded: boolean | undefined;
}

/**
 * Reads the model of an image.
 *
 * @throws LibraryError `LIBRARY_PROTOCOL` for a member of a wrong type
 * @see library.md §5, §6
 */
export function parseImageMetadata(
  data: Readonly<Record<string, unknown>>,
  what: string,
): ImageMetadata {
  const text = (name: string): string | undefined => {
    const value = data[name];
    if (isMissing(value) || value === "") return undefined;
    if (typeof value === "string") return value;
    throw protocolError(what, `${name} as text`, typeof value);
  };
  const uploaded = data["uploaded"];
  return {
    id: text("id"),
    hash: parseHash(text("hash"), what),
    size: parseSize(data["size"], what),
    architecture: text("arch"),
    isUploaded: typeof uploaded === "boolean" ? uploaded : undefined,
  };
}

function parseHash(text: string | undefined, what: string): LibraryHash | undefined {
  if (text === undefined) return undefined;
  const hex = /^sha256\.([0-9a-f]{64})$/.exec(text)?.[1];
  if (hex !== undefined) return { kind: "sha256", digest: parseDigest(`sha256:${hex}`) };
  const uuid = /^sif\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i.exec(text)?.[1];
  if (uuid !== undefined) return { kind: "uuid", uuid: uuid.toLowerCase() };
  // Of another kind (`md5.…`) it proves nothing; a mutilated one must not pass for none.
  if (!text.startsWith("sha256.") && !text.startsWith("sif.")) return undefined;
  throw protocolError(
    what,
    "a hash as sha256. and 64 hex digits",
    JSON.stringify(text.slice(0, 80)),
  );
}

/** No image has 0 bytes: servers that do not know it say so. */
function parseSize(value: unknown, what: string): number | undefined {
  if (isMissing(value) || value === 0) return undefined;
  if (typeof value === "number" && Number.isSafeInteger(value) && value > 0) return value;
  throw protocolError(what, "a size in bytes", JSON.stringify(value).slice(0, 80));
}

function isMissing(value: unknown): value is undefined | null {
  return value === undefined || value === null;
}
