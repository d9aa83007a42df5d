import { open } from "node:fs/promises";

/** The bytes of the file at `path`, whatever size it tells; undefined where they are more than `maxBytes`. */
export async function readAtMost(path: string, maxBytes: number): Promise<Buffer | undefined> {
  await using file = await open(path);
  const buffer = Buffer.alloc(maxBytes + 1);
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length);
    if (bytesRead === 0) return buffer.subarray(0, length);
    length += bytesRead;
  }
  return undefined;
}
