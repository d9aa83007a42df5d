import { createHash } from "node:crypto";
import { open } from "node:fs/promises";

/**
 * SHA-256 of the file at `path` as 64 lower-case hex digits. System errors come as they are.
 *
 * @throws the signal's reason when aborted
 */
export async function hashFile(path: string, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  await using file = await open(path, "r");
  const hash = createHash("sha256");
  const bytes: AsyncIterable<Uint8Array> = file.createReadStream({
    autoClose: false,
    highWaterMark: 1024 * 1024,
  });
  for await (const chunk of bytes) {
    signal.throwIfAborted();
    hash.update(chunk);
  }
  return hash.digest("hex");
}
