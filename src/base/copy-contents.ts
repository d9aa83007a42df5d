import { constants } from "node:fs";
import { copyFile, open } from "node:fs/promises";
import { isErrno } from "./errno.ts";
import { writeFully } from "./write-fully.ts";

const COPY_BYTES = 1024 * 1024;
/** How file systems say that they have no reflinks, or not between these two places. */
const REFLINK_REFUSALS = ["ENOTSUP", "EOPNOTSUPP", "EXDEV", "EINVAL", "ENOSYS", "ENOTTY", "EPERM"];

/**
 * Copies the bytes of `from` to `to`, which is replaced or made with what the umask leaves of
 * `mode`: a reflink where the file system has them. System errors come as they are.
 *
 * @throws the signal's reason when aborted
 */
export async function copyContents(
  from: string,
  to: string,
  mode: number,
  signal: AbortSignal,
): Promise<void> {
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE_FORCE);
  } catch (error) {
    if (!isErrno(error, ...REFLINK_REFUSALS)) throw error;
    await copyBytes(from, to, mode, signal);
  }
}

async function copyBytes(
  from: string,
  to: string,
  mode: number,
  signal: AbortSignal,
): Promise<void> {
  await using source = await open(from, "r");
  // A refused reflink has removed the file that it was to fill.
  await using target = await open(to, "w", mode);
  const buffer = new Uint8Array(COPY_BYTES);
  for (let position = 0; ;) {
    signal.throwIfAborted();
    const { bytesRead } = await source.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) return;
    await writeFully(target, buffer.subarray(0, bytesRead), position);
    position += bytesRead;
  }
}
