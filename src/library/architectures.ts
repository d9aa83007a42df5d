import { CodedError } from "../base/index.ts";
import { isRecord, type LibraryName } from "../image/index.ts";
import { dataOf, type LibraryApi } from "./library-api.ts";

/** In a path of the API: ids are whatever the server calls its records by. */
const ID = /^[A-Za-z0-9_-]{1,128}$/;
const ARCHITECTURE = /^[A-Za-z0-9_]{1,20}$/;

/**
 * The architectures that the tag of `name` is there for; none where the library does not say, for what
 * is not there it need not explain.
 *
 * @see library.md §4, `v2/tags`
 */
export async function architecturesOf(
  api: LibraryApi,
  { path, tag }: LibraryName,
  what: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  try {
    const container = dataOf(await api.get(`v1/containers/${path}`, {}, what, signal), what);
    const { id } = container;
    if (typeof id !== "string" || !ID.test(id)) return [];
    const tags = dataOf(await api.get(`v2/tags/${id}`, {}, what, signal), what);
    return Object.entries(tags)
      .filter(([, images]) => isRecord(images) && Object.hasOwn(images, tag))
      .map(([architecture]) => architecture)
      .filter((architecture) => ARCHITECTURE.test(architecture));
  } catch (error) {
    if (error instanceof CodedError) return [];
    throw error;
  }
}
