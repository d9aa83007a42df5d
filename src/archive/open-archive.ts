import type { FileHandle } from "node:fs/promises";
import type { ByteSource, Limits } from "../base/index.ts";
import {
  formatArchiveInput,
  ImageError,
  STANDARD_INPUT,
  type ArchiveInput,
  type ImageName,
  type ImageSource,
} from "../image/index.ts";
import { SNIFFED_BYTES, sniffCompression } from "../layers/index.ts";
import { ArchiveError } from "./archive-error.ts";
import { readFrom, type ArchiveFile, type ArchiveFiles } from "./archive-files.ts";
import { openDirectoryFiles } from "./directory-files.ts";
import { findInDockerArchive } from "./docker-image.ts";
import type { FoundImage } from "./found-image.ts";
import { findInLayout, isLayout } from "./layout-image.ts";
import { openRegular, sourceOf } from "./open-regular.ts";
import { spoolArchive } from "./spool-archive.ts";
import { tarFiles } from "./tar-files.ts";
import { indexTar } from "./tar-index.ts";

export interface ArchiveOptions {
  readonly limits: Limits;
  readonly warn: (message: string) => void;
  /**
   * Opens an empty file to read and write that has no name any more, for an archive that cannot be read
   * here and there as it is: one that is compressed, or comes on standard input.
   */
  readonly openSpool: () => Promise<FileHandle>;
  /** Absent: it is not to be read. */
  readonly standardInput?: ((signal: AbortSignal) => AsyncIterable<Uint8Array>) | undefined;
}

/** An archive with the image that was chosen in it; disposing closes it, and ends its source. */
export interface OpenedArchive extends AsyncDisposable {
  readonly source: ImageSource;
  /** The names in registries that the archive gives the image, with tags; none twice. */
  readonly names: readonly ImageName[];
}

/**
 * Opens a layout or an archive and finds the image that is meant. What of it is read whole is read once
 * and no more than the limits allow; blobs are read when they are fetched, and checked by who fetches.
 *
 * @throws ImageError `NOT_FOUND` where there is no such file, or no such image in it; ArchiveError;
 *   LayerError, LimitError, ImageError for a malformed archive; system errors of writing the spool, as
 *   they are; the signal's reason
 * @see registry.md §8
 */
export async function openArchive(
  input: ArchiveInput,
  options: ArchiveOptions,
  signal: AbortSignal,
): Promise<OpenedArchive> {
  await using opening = new AsyncDisposableStack();
  const files = opening.use(await openFiles(input, options, signal));
  const { source, names } = await findImage(files, input, options, signal);
  const opened = opening.move();
  const distinct = new Map(names.map((name) => [JSON.stringify(name), name]));
  return {
    source,
    names: [...distinct.values()],
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function findImage(
  files: ArchiveFiles,
  input: ArchiveInput,
  options: ArchiveOptions,
  signal: AbortSignal,
): Promise<FoundImage> {
  // Docker since 25 writes both, and the layout has the manifests. A place is one in manifest.json.
  const isDocker =
    input.kind === "docker-archive" && (input.choice.kind === "place" || !(await isLayout(files)));
  return isDocker
    ? await findInDockerArchive(files, input, options, signal)
    : await findInLayout(files, input, options.limits);
}

async function openFiles(
  input: ArchiveInput,
  options: ArchiveOptions,
  signal: AbortSignal,
): Promise<ArchiveFiles> {
  const what = formatArchiveInput({ ...input, choice: { kind: "only" } });
  if (input.kind === "oci") return await openDirectoryFiles(input.path, what);
  await using opening = new AsyncDisposableStack();
  const archive = opening.use(await openTar(input, what, options, signal));
  const { limits } = options;
  const files = tarFiles(archive, await indexTar(archive, { limits, what }, signal), what);
  opening.move();
  return files;
}

/** The tar archive as a file to be read here and there. */
async function openTar(
  { path }: ArchiveInput,
  what: string,
  options: ArchiveOptions,
  signal: AbortSignal,
): Promise<ArchiveFile> {
  if (path === STANDARD_INPUT) {
    if (options.standardInput === undefined) {
      throw new ImageError(
        "REFERENCE_TRANSPORT",
        `${what}: expected a file, for there is no input`,
      );
    }
    const input = orUnreadable(options.standardInput(signal), what);
    return await spooled(input, what, options, signal);
  }
  const file = await openRegular(path, { followsLink: true, what });
  if (file === undefined) throw new ImageError("NOT_FOUND", `${what}: no such file`);
  await using opening = new AsyncDisposableStack();
  opening.use(file);
  if (await isPlain(file, what)) {
    opening.move();
    return file;
  }
  return await spooled(readFrom(file, 0, signal), what, options, signal);
}

async function isPlain(file: ByteSource, what: string): Promise<boolean> {
  const head = await file.read(0, Math.min(file.size, SNIFFED_BYTES));
  return sniffCompression(head, what) === "none";
}

/** What the system cannot read is not to be taken for what it cannot write. */
async function* orUnreadable(
  input: AsyncIterable<Uint8Array>,
  what: string,
): AsyncIterable<Uint8Array> {
  try {
    yield* input;
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error)) throw error;
    const message = `${what}: standard input cannot be read: ${error.message}`;
    throw new ArchiveError("ARCHIVE_UNREADABLE", message, { cause: error });
  }
}

async function spooled(
  archive: AsyncIterable<Uint8Array>,
  what: string,
  { limits, openSpool }: ArchiveOptions,
  signal: AbortSignal,
): Promise<ArchiveFile> {
  const spool = await openSpool();
  try {
    const size = await spoolArchive(archive, spool, { limits, what }, signal);
    const source = sourceOf(spool, size, what);
    const part = { fd: spool.fd, offset: 0 };
    return { ...source, part, [Symbol.asyncDispose]: () => spool.close() };
  } catch (error) {
    await spool.close();
    // A stream that was stopped says so in its own words.
    signal.throwIfAborted();
    throw error;
  }
}
