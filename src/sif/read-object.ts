import type { ByteSource } from "../base/index.ts";
import type { SifDescriptor } from "./descriptor.ts";
import { SifError } from "./sif-error.ts";

/**
 * Reads one data object whole, without the padding before it.
 *
 * @param file - the file that `descriptor` was read from by `readSif`
 * @param maxBytes - the most that the caller is ready to hold
 * @throws SifError `SIF_OBJECT` when the object is larger than `maxBytes`
 */
export async function readObject(
  file: ByteSource,
  descriptor: SifDescriptor,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  signal.throwIfAborted();
  if (descriptor.size > maxBytes) {
    const name = descriptor.name === "" ? "" : ` ${JSON.stringify(descriptor.name)}`;
    throw new SifError(
      "SIF_OBJECT",
      `SIF object ${descriptor.id}${name}: expected at most ${maxBytes} bytes, got ${descriptor.size}`,
    );
  }
  return await file.read(descriptor.offset, descriptor.size);
}
