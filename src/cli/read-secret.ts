import { addAbortSignal } from "node:stream";
import { usageError } from "./cli-error.ts";
import type { Session } from "./session.ts";

/** Far more than any password, or token that is used as one. */
export const MAX_SECRET_BYTES: number = 64 * 1024;

/**
 * All of standard input, but for a line end at its end.
 *
 * @param what - `a password`, for messages
 * @param command - `pull`, for messages
 * @throws CliError `USAGE` where it is longer than any secret
 */
export async function readSecret(what: string, command: string, session: Session): Promise<string> {
  const bytes = await readInput(MAX_SECRET_BYTES, session);
  if (bytes === undefined) {
    throw usageError(`${command}: expected ${what} of at most ${MAX_SECRET_BYTES} bytes`);
  }
  return secretOf(bytes);
}

/** What stands in a file of one secret: line ends at its end come from the editor. */
export function secretOf(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString("utf8")
    .replace(/\r?\n$/, "");
}

/** All of standard input; undefined where it is more than `maxBytes`. */
export async function readInput(
  maxBytes: number,
  { environment, signal }: Session,
): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Else an interruption would wait for whoever has to write there.
  const stdin = addAbortSignal(signal, environment.stdin);
  for await (const chunk of stdin as AsyncIterable<Uint8Array | string>) {
    length += chunk.length;
    if (length > maxBytes) return undefined;
    chunks.push(Buffer.from(chunk));
  }
  return Buffer.concat(chunks);
}
