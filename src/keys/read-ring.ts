import { isErrno, readAtMost } from "../base/index.ts";
import { parseRing, type RingEntry } from "../signing/index.ts";
import { KeysError } from "./keys-error.ts";

/** Thousands of keys, with what others have signed of them. */
export const MAX_RING_BYTES: number = 16 * 1024 * 1024;

/**
 * The certificates of the keyring at `path`; none where there is no file.
 *
 * @throws KeysError `KEYRING_FILE` for a file that cannot be read or is too large; SigningError
 *   `KEY_UNREADABLE` for one that is no keyring
 */
export async function readRing(path: string): Promise<readonly RingEntry[]> {
  return await parseRing((await ringBytes(path)) ?? new Uint8Array(), path);
}

async function ringBytes(path: string): Promise<Uint8Array | undefined> {
  let bytes: Uint8Array | undefined;
  try {
    bytes = await readAtMost(path, MAX_RING_BYTES);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    throw ringError(path, "read", error);
  }
  if (bytes !== undefined) return bytes;
  const message = `keyring ${path}: expected at most ${MAX_RING_BYTES} bytes, got more`;
  throw new KeysError("KEYRING_FILE", message);
}

export function ringError(path: string, what: "read" | "write", cause: unknown): KeysError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new KeysError("KEYRING_FILE", `cannot ${what} keyring ${path}: ${reason}`, { cause });
}
