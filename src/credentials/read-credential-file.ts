import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { isErrno } from "../base/index.ts";
import { CredentialError } from "./credential-error.ts";

/** Far more than a login at every registry there is. */
export const MAX_FILE_BYTES: number = 1024 * 1024;

/**
 * Reads a file of credentials.
 *
 * @returns undefined where there is none
 * @throws CredentialError `CREDENTIALS_FILE` for what cannot be read, is no regular file, or has
 *   more than 1 MiB
 */
export async function readCredentialFile(path: string): Promise<Uint8Array | undefined> {
  try {
    // Without waiting: a pipe in the place of the file would have nobody at its other end.
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    if (!(await file.stat()).isFile()) throw unreadable(path, "it is no regular file");
    const buffer = Buffer.alloc(MAX_FILE_BYTES + 1);
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length);
      if (bytesRead === 0) return buffer.subarray(0, length);
      length += bytesRead;
    }
  } catch (error) {
    if (error instanceof CredentialError) throw error;
    if (isErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    throw unreadable(path, error instanceof Error ? error.message : String(error), {
      cause: error,
    });
  }
  throw unreadable(path, `it has more than ${MAX_FILE_BYTES} bytes`);
}

/** @param reason - why the file cannot be used */
export function unreadable(path: string, reason: string, options?: ErrorOptions): CredentialError {
  return new CredentialError(
    "CREDENTIALS_FILE",
    `cannot read credentials from ${path}: ${reason}`,
    options,
  );
}
