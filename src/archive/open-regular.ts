import { constants } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { isErrno, type ByteSource } from "../base/index.ts";
import { ArchiveError } from "./archive-error.ts";
import type { ArchiveFile } from "./archive-files.ts";

/**
 * Opens a regular file; undefined where there is none. A FIFO does not make it wait, and of a device
 * nothing is read.
 *
 * @param options.followsLink - whether `path` itself may be a symbolic link
 * @param options.what - the file, for messages
 * @throws ArchiveError `ARCHIVE_UNREADABLE`
 */
export async function openRegular(
  path: string,
  { followsLink, what }: { readonly followsLink: boolean; readonly what: string },
): Promise<ArchiveFile | undefined> {
  const link = followsLink ? 0 : constants.O_NOFOLLOW;
  const file = await openOrSay(path, constants.O_RDONLY | constants.O_NONBLOCK | link, what);
  if (file === undefined) return undefined;
  try {
    const facts = await file.stat();
    if (!facts.isFile()) throw unreadable(what, "expected a regular file, got something else");
    const source = sourceOf(file, facts.size, what);
    const part = { fd: file.fd, offset: 0 };
    return { ...source, part, [Symbol.asyncDispose]: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * Opens what is at `path`; undefined where there is nothing.
 *
 * @throws ArchiveError `ARCHIVE_UNREADABLE` for whatever else the system answers
 */
export async function openOrSay(
  path: string,
  flags: number,
  what: string,
): Promise<FileHandle | undefined> {
  try {
    return await open(path, flags);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    if (isErrno(error, "ELOOP")) throw unreadable(what, "expected no symbolic link", error);
    if (isErrno(error, "ENOTDIR")) throw unreadable(what, "expected a directory", error);
    throw unreadable(what, `cannot be read: ${messageOf(error)}`, error);
  }
}

/** The first `size` bytes of an open file. */
export function sourceOf(file: FileHandle, size: number, what: string): ByteSource {
  return {
    size,
    async read(position, length) {
      if (position + length > size) throw new RangeError(`${what}: read past its end`);
      const bytes = Buffer.allocUnsafeSlow(length);
      for (let done = 0; done < length;) {
        const bytesRead = await readSome(file, bytes.subarray(done), position + done, what);
        if (bytesRead === 0) {
          const message = `${what}: expected ${size} bytes, got fewer: it changes while it is read`;
          throw new ArchiveError("ARCHIVE_CHANGED", message);
        }
        done += bytesRead;
      }
      return bytes;
    },
  };
}

async function readSome(
  file: FileHandle,
  into: Uint8Array,
  position: number,
  what: string,
): Promise<number> {
  try {
    return (await file.read(into, 0, into.length, position)).bytesRead;
  } catch (error) {
    throw unreadable(what, `cannot be read: ${messageOf(error)}`, error);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function unreadable(what: string, message: string, cause?: unknown): ArchiveError {
  return new ArchiveError("ARCHIVE_UNREADABLE", `${what}: ${message}`, { cause });
}
