import { posix } from "node:path";
import { BundleError } from "./bundle-error.ts";

/** A file or directory of the host that the container is to see. */
export interface BindMount {
  /** Absolute. */
  readonly source: string;
  /** Absolute, in the container. */
  readonly destination: string;
  readonly isReadOnly: boolean;
}

const FORM = "SRC[:DST[:ro|rw]]";

/**
 * Reads `SRC[:DST[:ro|rw]]`; without DST the container sees it where the host does.
 *
 * @param workingDirectory - what a relative SRC begins at
 * @throws BundleError `BUNDLE_BIND`
 */
export function parseBind(text: string, workingDirectory: string): BindMount {
  const [from = "", to, mode = "rw", ...rest] = text.split(":");
  const source = posix.resolve(workingDirectory, from);
  const destination = posix.normalize(to ?? source).replace(/(?<=.)\/$/, "");
  const isKnownMode = mode === "ro" || mode === "rw";
  if (from === "" || text.includes("\0") || rest.length > 0 || !isKnownMode) {
    throw refusal(text, `expected ${FORM}`);
  }
  if (!posix.isAbsolute(destination) || destination === "/") {
    throw refusal(text, `expected ${FORM} with DST an absolute path other than /`);
  }
  return { source, destination, isReadOnly: mode === "ro" };
}

function refusal(text: string, expected: string): BundleError {
  return new BundleError("BUNDLE_BIND", `--bind ${JSON.stringify(text)}: ${expected}`);
}
