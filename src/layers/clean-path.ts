import { limitError, type Limits } from "../base/index.ts";
import { LayerError } from "./layer-error.ts";
import { quoteBytes } from "./tar-context.ts";

const SLASH = 0x2f;
const DOT = 0x2e;

/** The longest file name that Linux knows. */
const WHITEOUT = Buffer.from(".wh.");
const COMPONENT_BYTES = 255;

/**
 * Makes a name of an archive relative to the root, by its letters alone: empty and "." components
 * go, ".." takes away the component before it and stops at the root, and so do the slashes at
 * both ends. The result is a new array; "" is the root.
 *
 * @param options - `what` names the archive in messages
 * @throws LayerError `TAR_PATH` for a component over 255 bytes
 * @throws LimitError `LIMIT_PATH_BYTES`, `LIMIT_PATH_DEPTH`
 * @see layers.md §4
 */
export function cleanPath(
  raw: Uint8Array,
  options: { readonly limits: Limits; readonly what: string },
): Uint8Array {
  const cleaned = new Uint8Array(raw.length);
  let length = 0;
  let from = 0;
  while (from < raw.length) {
    let to = raw.indexOf(SLASH, from);
    if (to < 0) to = raw.length;
    const size = to - from;
    if (size === 2 && raw[from] === DOT && raw[from + 1] === DOT) {
      length = Math.max(0, length === 0 ? 0 : cleaned.lastIndexOf(SLASH, length - 1));
    } else if (size > 1 || (size === 1 && raw[from] !== DOT)) {
      if (length > 0) cleaned[length++] = SLASH;
      for (let i = from; i < to; i++) cleaned[length++] = raw[i] ?? 0;
    }
    from = to + 1;
  }
  const path = length === cleaned.length ? cleaned : cleaned.subarray(0, length);
  checkPath(path, options);
  return path;
}

function checkPath(
  path: Uint8Array,
  options: { readonly limits: Limits; readonly what: string },
): void {
  const { limits, what } = options;
  if (path.length > limits.pathBytes) {
    throw limitError(limits, "pathBytes", `${what}: path ${quoteBytes(path)}`, path.length);
  }
  let depth = path.length === 0 ? 0 : 1;
  let start = 0;
  let end = path.indexOf(SLASH);
  for (; end >= 0; end = path.indexOf(SLASH, start)) {
    checkComponent(path, start, end, what);
    start = end + 1;
    depth++;
  }
  checkComponent(path, start, path.length, what);
  if (depth > limits.pathDepth) {
    throw limitError(limits, "pathDepth", `${what}: path ${quoteBytes(path)}`, depth);
  }
}

function checkComponent(path: Uint8Array, start: number, end: number, what: string): void {
  const bytes = end - start;
  if (bytes <= COMPONENT_BYTES) return;
  // A marker is no name: it is as long as the name that it hides, and its prefix.
  const isMarker = WHITEOUT.every((byte, index) => path[start + index] === byte);
  if (isMarker && bytes <= COMPONENT_BYTES + WHITEOUT.length) return;
  throw new LayerError(
    "TAR_PATH",
    `${what}: path ${quoteBytes(path)}: expected components of at most ${COMPONENT_BYTES} bytes, ` +
      `got one of ${bytes}`,
  );
}
