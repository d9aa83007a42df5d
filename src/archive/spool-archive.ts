import type { FileHandle } from "node:fs/promises";
import { limitError, writeFully, type Limits } from "../base/index.ts";
import { decompressLayer } from "../layers/index.ts";

/**
 * Writes an archive to `file`, decompressed if it is compressed.
 *
 * @param what - the archive, for messages
 * @returns how many bytes it has there
 * @throws LayerError `LAYER_COMPRESSION`, `LAYER_CORRUPT`, `LAYER_TRUNCATED`; LimitError
 *   `LIMIT_ARCHIVE_BYTES`, `LIMIT_ZSTD_WINDOW`; system errors of writing, as they are
 */
export async function spoolArchive(
  archive: AsyncIterable<Uint8Array>,
  file: FileHandle,
  { limits, what }: { readonly limits: Limits; readonly what: string },
  signal: AbortSignal,
): Promise<number> {
  const bytes = decompressLayer(archive, {
    // Archives have a limit of their own, below.
    limits: { ...limits, layerBytes: Infinity },
    what,
    warn: () => undefined,
    mediaType: "application/octet-stream",
    signal,
  });
  let position = 0;
  for await (const chunk of bytes) {
    if (position + chunk.length > limits.archiveBytes)
      throw limitError(limits, "archiveBytes", what);
    await writeFully(file, chunk, position);
    position += chunk.length;
  }
  return position;
}
