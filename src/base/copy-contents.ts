import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { copyFile, open, rm } from "node:fs/promises";
import { isErrno } from "./errno.ts";
import { hashFile } from "./hash-file.ts";
import { writeFully } from "./write-fully.ts";

const COPY_BYTES = 1024 * 1024;
/** How file systems say that they have no reflinks, or not between these two places. */
const REFLINK_REFUSALS = ["ENOTSUP", "EOPNOTSUPP", "EXDEV", "EINVAL", "ENOSYS", "ENOTTY", "EPERM"];

/**
 * Copies the bytes of `from` to `to`, which is replaced or made with what the umask leaves of
 * `mode`: a reflink where the file system has them. System errors come as they are.
 *
 * @returns the SHA-256 of the copy, whatever `from` became meanwhile: 64 lower-case hex digits
 * @throws the signal's reason when aborted
 */
export async function copyHashed(
  from: string,
  to: string,
  mode: number,
  signal: AbortSignal,
): Promise<string> {
  signal.throwIfAborted();
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE_FORCE);
  } catch (error) {
    if (!isErrno(error, ...REFLINK_REFUSALS)) throw error;
    return await copyBytes(from, to, mode, signal);
  }
  return await hashFile(to, signal);
}

async function copyBytes(
  from: string,
  to: string,
  mode: number,
  signal: AbortSignal,
): Promise<string> {
  await using source = await open(from, "r");
  // Never through a link that somebody put there.
  await rm(to, { force: true });
  await using target = await open(to, "wx", mode);
  const hash = createHash("sha256");
  const buffer = new Uint8Array(COPY_BYTES);
  for (let position = 0; ;) {
    signal.throwIfAborted();
    const { bytesRead } = await source.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) return hash.digest("hex");
    const bytes = buffer.subarray(0, bytesRead);
    hash.update(bytes);
    await writeFully(target, bytes, position);
    position += bytesRead;
  }
}
