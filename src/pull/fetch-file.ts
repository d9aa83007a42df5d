import { createHash } from "node:crypto";
import { open, truncate } from "node:fs/promises";
import { openFileSource, writeFully } from "../base/index.ts";
import { checkDigest, ContentError, type Descriptor, type BlobSource } from "../image/index.ts";

export interface FetchFileOptions {
  /** The file, as messages name it. */
  readonly what: string;
  /** Bytes of `path` that are there already: the source is asked for the rest. */
  readonly from: number;
  /** Told how many bytes are there. */
  readonly onBytes: (bytes: number) => void;
}

const READ_BYTES = 1024 * 1024;

/**
 * Fetches what `descriptor` promises to the file at `path`, which is made where it is not there, and
 * checks all of it, what was there before too. What came stays there when the source breaks off.
 *
 * @throws ContentError `CONTENT_SIZE_MISMATCH`, `CONTENT_DIGEST_MISMATCH`; system errors as they are
 */
export async function fetchFile(
  descriptor: Descriptor,
  source: BlobSource,
  path: string,
  { what, from, onBytes }: FetchFileOptions,
  signal: AbortSignal,
): Promise<void> {
  const hash = createHash("sha256");
  if (from > 0) {
    await truncate(path, from);
    await hashInto(hash, path, from, signal);
  }
  await using file = await open(path, from > 0 ? "r+" : "w", 0o600);
  let at = from;
  for await (const chunk of source.fetch(descriptor, signal, from)) {
    if (at + chunk.length > descriptor.size) {
      throw new ContentError(
        "CONTENT_SIZE_MISMATCH",
        `${what}: expected ${descriptor.size} bytes, got more than that`,
      );
    }
    await writeFully(file, chunk, at);
    hash.update(chunk);
    at += chunk.length;
    onBytes(at);
  }
  if (at !== descriptor.size) {
    throw new ContentError(
      "CONTENT_SIZE_MISMATCH",
      `${what}: expected ${descriptor.size} bytes, got ${at}`,
    );
  }
  checkDigest(descriptor, hash.digest("hex"), what);
}

async function hashInto(
  hash: ReturnType<typeof createHash>,
  path: string,
  end: number,
  signal: AbortSignal,
): Promise<void> {
  await using file = await openFileSource(path);
  for (let at = 0; at < end; at += READ_BYTES) {
    signal.throwIfAborted();
    hash.update(await file.read(at, Math.min(READ_BYTES, end - at)));
  }
}
