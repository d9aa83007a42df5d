import type { ByteSource } from "../base/index.ts";
import { limitError, type Limits } from "../base/index.ts";
import type { FilePart } from "../image/index.ts";

const READ_BYTES = 256 * 1024;

/** A file of a layout or an archive, open to be read; disposing closes it. */
export interface ArchiveFile extends ByteSource, AsyncDisposable {
  /** Where its bytes are; undefined where they are in no file. */
  readonly part: FilePart | undefined;
}

/** The files of a layout or an archive. Names are keys: none leads out of it. */
export interface ArchiveFiles extends AsyncDisposable {
  /**
   * Opens the regular file `name`; undefined where nothing has that name.
   *
   * @param name - components joined by `/`, none of them empty, `.` or `..`
   * @throws ArchiveError `ARCHIVE_UNREADABLE`, `ARCHIVE_INVALID` for what is no regular file
   */
  open(name: string): Promise<ArchiveFile | undefined>;
}

/**
 * Streams a file from byte `from` to its end. Each chunk has memory of its own.
 *
 * @throws ArchiveError `ARCHIVE_CHANGED`, `ARCHIVE_UNREADABLE`; the signal's reason
 */
export async function* readFrom(
  file: ByteSource,
  from: number,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  for (let position = from; position < file.size;) {
    signal.throwIfAborted();
    const chunk = await file.read(position, Math.min(READ_BYTES, file.size - position));
    yield chunk;
    position += chunk.length;
  }
}

/**
 * The bytes of the small file `name`; undefined where there is none.
 *
 * @param limit - the limit for the file's size
 * @param what - the file, for messages
 * @throws LimitError with the code of `limit`; and as `ArchiveFiles.open`
 */
export async function readSmall(
  files: ArchiveFiles,
  name: string,
  options: { readonly limits: Limits; readonly limit: keyof Limits; readonly what: string },
): Promise<Uint8Array | undefined> {
  await using file = await files.open(name);
  if (file === undefined) return undefined;
  const { limits, limit, what } = options;
  if (file.size > limits[limit]) throw limitError(limits, limit, what, file.size);
  return await file.read(0, file.size);
}
