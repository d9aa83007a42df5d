import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { limitError, writeFully, byteSourceOf, type Limits } from "../base/index.ts";
import {
  checkDigest,
  ContentError,
  MEDIA_TYPES,
  parseDigest,
  type BlobSource,
  type Descriptor,
} from "../image/index.ts";
import type { UnverifiedFile } from "../library/index.ts";
import { readSif } from "../sif/index.ts";
import { openNameless } from "./nameless-file.ts";
import { outputError } from "./pull-error.ts";
import type { ScratchDirectory } from "./scratch-directory.ts";

const READ_BYTES = 1024 * 1024;

export interface SpoolOptions {
  /** The image, as messages name it. */
  readonly what: string;
  readonly limits: Limits;
  readonly spoolIn: () => Promise<ScratchDirectory>;
}

/** A file that came, by the hash that it turned out to have; disposing lets go of it. */
export interface SpooledFile extends AsyncDisposable {
  readonly source: BlobSource;
  readonly file: Descriptor;
}

/**
 * Fetches a file of which its library says too little, and holds it to what it does say.
 *
 * @throws ContentError `CONTENT_SIZE_MISMATCH`, `CONTENT_DIGEST_MISMATCH` (also for another UUID than the
 *   library has); LimitError `LIMIT_IMAGE_BYTES`; SifError; PullError `NO_SPACE`, `OUTPUT_FAILED`; and
 *   what `unverified` throws
 */
export async function spoolUnverified(
  unverified: UnverifiedFile,
  { what, limits, spoolIn }: SpoolOptions,
  signal: AbortSignal,
): Promise<SpooledFile> {
  await using directory = await spoolIn();
  await using opening = new AsyncDisposableStack();
  try {
    const file = opening.use(await openNameless(directory.path));
    const descriptor = await fetchInto(file, unverified, { what, limits }, signal);
    await checkUuid(file, descriptor.size, unverified, what, signal);
    const opened = opening.move();
    return {
      source: sourceOf(file, unverified.origin, what),
      file: descriptor,
      [Symbol.asyncDispose]: () => opened.disposeAsync(),
    };
  } catch (error) {
    throw outputError(directory.path, error);
  }
}

async function fetchInto(
  file: FileHandle,
  unverified: UnverifiedFile,
  { what, limits }: Pick<SpoolOptions, "what" | "limits">,
  signal: AbortSignal,
): Promise<Descriptor> {
  const { size, digest } = unverified;
  const hash = createHash("sha256");
  let at = 0;
  for await (const chunk of unverified.read(signal)) {
    if (at + chunk.length > limits.imageBytes) throw limitError(limits, "imageBytes", what);
    if (size !== undefined && at + chunk.length > size)
      throw otherSize(size, "more than that", what);
    await writeFully(file, chunk, at);
    hash.update(chunk);
    at += chunk.length;
  }
  if (size !== undefined && at !== size) throw otherSize(size, `${at}`, what);
  const hex = hash.digest("hex");
  if (digest !== undefined) checkDigest({ digest }, hex, what);
  return { mediaType: MEDIA_TYPES.sifLayer, digest: parseDigest(`sha256:${hex}`), size: at };
}

function otherSize(size: number, got: string, what: string): ContentError {
  const message = `${what}: expected ${size} bytes, got ${got}`;
  return new ContentError("CONTENT_SIZE_MISMATCH", message);
}

async function checkUuid(
  file: FileHandle,
  size: number,
  { uuid }: UnverifiedFile,
  what: string,
  signal: AbortSignal,
): Promise<void> {
  if (uuid === undefined) return;
  const { header } = await readSif(byteSourceOf(file, size, what), signal);
  if (header.uuid === uuid) return;
  const message = `${what}: expected the SIF with the id ${uuid}, got ${header.uuid}`;
  throw new ContentError("CONTENT_DIGEST_MISMATCH", message);
}

function sourceOf(file: FileHandle, origin: string, what: string): BlobSource {
  return {
    origin,
    has: () => Promise.resolve(true),
    async *fetch({ size }, signal, from = 0) {
      const bytes = byteSourceOf(file, size, what);
      for (let at = from; at < size; at += READ_BYTES) {
        signal.throwIfAborted();
        yield await bytes.read(at, Math.min(READ_BYTES, size - at));
      }
    },
  };
}
