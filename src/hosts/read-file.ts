import { isErrno, readAtMost } from "../base/index.ts";
import { HostsError } from "./hosts-error.ts";

/** A place in a file that names another one; undefined where a directory's content does. */
export type NamedAt = string | undefined;

/** Far more than a bundle of all public authorities. */
export const MAX_FILE_BYTES: number = 4 * 1024 * 1024;

/**
 * The text of a file of at most `maxBytes`.
 *
 * @param namedAt - `FILE:LINE` of who named it, for messages
 * @throws HostsError `REGISTRY_CONFIG`, also for what is no UTF-8
 */
export async function readText(path: string, maxBytes: number, namedAt?: NamedAt): Promise<string> {
  const text = await readTextIfThere(path, maxBytes, namedAt);
  if (text !== undefined) return text;
  throw unreadable(path, "no such file", namedAt);
}

/** The same; undefined where there is no such file. */
export async function readTextIfThere(
  path: string,
  maxBytes: number,
  namedAt?: NamedAt,
): Promise<string | undefined> {
  let bytes: Buffer | undefined;
  try {
    bytes = await readAtMost(path, maxBytes);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    const reason = error instanceof Error ? error.message : String(error);
    throw unreadable(path, reason, namedAt, { cause: error });
  }
  if (bytes === undefined) {
    throw unreadable(path, `expected at most ${maxBytes} bytes, got more`, namedAt);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw unreadable(path, "expected text in UTF-8, got other bytes", namedAt, { cause: error });
  }
}

/** A file that is there, or has to be, and is of no use. */
export function unreadable(
  path: string,
  reason: string,
  namedAt?: NamedAt,
  options?: ErrorOptions,
): HostsError {
  const start = namedAt === undefined ? "" : `${namedAt}: `;
  return new HostsError("REGISTRY_CONFIG", `${start}cannot use ${path}: ${reason}`, options);
}
