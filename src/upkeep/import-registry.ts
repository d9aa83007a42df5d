import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { CodedError, isErrno } from "../base/index.ts";
import { ImageError, Info, LOCAL_URI, parseStrictJson, storeNamesOf } from "../image/index.ts";
import {
  addFile,
  describeSif,
  isSystemError,
  PullError,
  recordLocalFile,
  type LocalContext,
} from "../pull/index.ts";
import { StoreError, type Names, type Store } from "../store/index.ts";
import { splitJsonObjects } from "./split-json-objects.ts";

/** More than any old store had: some 100,000 images. */
const MAX_BYTES = 256 * 1024 * 1024;

export type ImportOptions = LocalContext;

/** What became of one record of the old store. */
export type ImportedRecord =
  | { readonly outcome: "imported"; readonly id: string; readonly names: readonly string[] }
  | { readonly outcome: "missing"; readonly id: string; readonly path: string }
  | {
      readonly outcome: "refused";
      /** Absent where the record itself is none. */
      readonly id?: string;
      readonly code: string;
      readonly message: string;
    };

/**
 * Takes over the images of Singularity-CRI's store: `file` is its `registry.json`. Their files are
 * copied (as reflinks where the file system has them) and stay as they are; one that is not at the
 * recorded path is looked for beside `file`. What cannot be taken over is told, and the rest is.
 *
 * @throws ImageError `INFO_INVALID` for a file that does not consist of JSON objects, PullError
 *   `LOCAL_FILE_UNREADABLE`; StoreError; the signal's reason
 */
export async function importRegistry(
  store: Store,
  file: string,
  options: ImportOptions,
  signal: AbortSignal,
): Promise<readonly ImportedRecord[]> {
  const outcomes: ImportedRecord[] = [];
  for (const text of splitRecords(await readRegistry(file), file)) {
    signal.throwIfAborted();
    outcomes.push(await importRecord(store, text, file, options, signal));
  }
  return outcomes;
}

async function readRegistry(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size > MAX_BYTES) {
      throw new ImageError(
        "INFO_INVALID",
        `${file}: expected at most ${MAX_BYTES} bytes, got ${size}`,
      );
    }
    return await readFile(file, "utf8");
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new PullError("LOCAL_FILE_UNREADABLE", `cannot read ${file}: ${error.message}`, {
      cause: error,
    });
  }
}

function splitRecords(text: string, file: string): readonly string[] {
  try {
    return splitJsonObjects(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new ImageError("INFO_INVALID", `${file}: ${error.message}`, { cause: error });
  }
}

async function importRecord(
  store: Store,
  text: string,
  file: string,
  options: ImportOptions,
  signal: AbortSignal,
): Promise<ImportedRecord> {
  let info: Info | undefined;
  try {
    info = Info.fromJSON(
      parseStrictJson(Buffer.from(text), `${file}: image record`, "INFO_INVALID"),
    );
    const path = await findFile(info, file);
    if (path === undefined) return { outcome: "missing", id: info.id, path: info.path };
    return await importImage(store, info, path, options, signal);
  } catch (error) {
    if (isSystemError(error)) {
      const { message } = error;
      return {
        outcome: "refused",
        ...(info && { id: info.id }),
        code: "LOCAL_FILE_UNREADABLE",
        message,
      };
    }
    // The store's own troubles concern every record that is left, an image's only itself.
    if (!(error instanceof CodedError) || error instanceof StoreError) throw error;
    const { message } = error;
    return { outcome: "refused", ...(info && { id: info.id }), code: String(error.code), message };
  }
}

/** Where the image's file is now; an old store may have been moved. */
async function findFile({ path, ref }: Info, registry: string): Promise<string | undefined> {
  const places = ref.uri() === LOCAL_URI ? [path] : [path, join(dirname(registry), basename(path))];
  for (const place of places) {
    try {
      if ((await stat(place)).isFile()) return place;
    } catch (error) {
      if (!isErrno(error, "ENOENT", "ENOTDIR")) throw error;
    }
  }
  return undefined;
}

async function importImage(
  store: Store,
  info: Info,
  path: string,
  options: ImportOptions,
  signal: AbortSignal,
): Promise<ImportedRecord> {
  if (info.ref.uri() === LOCAL_URI) {
    const image = await recordLocalFile(store, LOCAL_URI + path, options, signal);
    return { outcome: "imported", id: image.id, names: image.names.tags };
  }
  const names = canonicalNames(info);
  // Text that is no name would be a path, or whatever else its writer wants it to be judged as.
  const [reference] = [...names.tags, ...names.digests];
  const { isSigned } = await describeSif(path, signal);
  const image = await addFile(
    store,
    path,
    {
      names,
      ...(reference === undefined ? {} : { reference }),
      // What the original converted itself it never signed.
      origin: info.ref.uri() === "docker.io" && !isSigned ? "layers" : "sif",
      sideLoaded: false,
      id: info.id,
      trust: options.trust,
      now: options.now(),
    },
    signal,
  );
  return { outcome: "imported", id: image.id, names: [...names.tags, ...names.digests] };
}

/** The names as this store keeps them; the original wrote Docker's official images without host. */
function canonicalNames({ ref }: Info): Names {
  const canonical = (texts: readonly string[]): string[] =>
    texts.flatMap((text) => storeNamesOf(text).slice(0, 1));
  return { tags: canonical(ref.tags()), digests: canonical(ref.digests()) };
}
