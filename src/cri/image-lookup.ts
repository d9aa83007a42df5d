import { Code, ConnectError } from "@connectrpc/connect";
import { ImageError, storeNamesOf } from "../image/index.ts";
import type { FileFacts, Store, StoredImage } from "../store/index.ts";

/** How some clients spell the id of an image. */
const SPELLED_ID = /^sha256:(?=[0-9a-f]{64}$)/;

/**
 * What an `ImageSpec`, or a request of our own, names.
 *
 * @throws ConnectError INVALID_ARGUMENT where it names nothing
 */
export function imageTextOf(spec: { readonly image: string } | undefined): string {
  const text = spec?.image ?? "";
  if (text !== "") return text;
  throw new ConnectError(
    "image: expected a name or an id, got an empty text",
    Code.InvalidArgument,
  );
}

/** What a store looks for where somebody says `text`: an id, and the names that it may spell. */
export function lookupOf(text: string): {
  readonly text: string;
  readonly names: readonly string[];
} {
  return { text: text.replace(SPELLED_ID, ""), names: storeNamesOf(text) };
}

/**
 * The image that `text` means: by any spelling of one of its names, else by its id or the beginning of it,
 * 3 digits or more, that no other id has.
 *
 * @returns it with what lies where its file should; undefined where there is none, or none alone: to Kubernetes that is no error
 */
export async function findImage(
  store: Store,
  text: string,
): Promise<{ readonly image: StoredImage; readonly facts: FileFacts | undefined } | undefined> {
  try {
    const lookup = lookupOf(text);
    return await store.findFile(lookup.text, lookup.names);
  } catch (error) {
    if (error instanceof ImageError && error.code === "NOT_FOUND") return undefined;
    throw error;
  }
}
