import { open, type FileHandle } from "node:fs/promises";
import type { ByteSource } from "./byte-source.ts";

/** A file to read here and there; disposing closes it. */
export interface FileSource extends ByteSource, AsyncDisposable {}

/** Opens the file at `path`; its size is taken now. System errors come as they are. */
export async function openFileSource(path: string): Promise<FileSource> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    return {
      ...byteSourceOf(file, size, path),
      async [Symbol.asyncDispose]() {
        await file.close();
      },
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * The first `size` bytes of an open file, which stays the caller's.
 *
 * @param called - the file, as messages name it
 */
export function byteSourceOf(file: FileHandle, size: number, called: string): ByteSource {
  return {
    size,
    async read(position, length) {
      if (position + length > size) throw new RangeError(`${called}: read past its end`);
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length;) {
        const { bytesRead } = await file.read(bytes, done, length - done, position + done);
        if (bytesRead === 0) throw new RangeError(`${called} became shorter while it was read`);
        done += bytesRead;
      }
      return bytes;
    },
  };
}
