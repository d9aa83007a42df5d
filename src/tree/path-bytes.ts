const SLASH = 0x2f;
const DOT = 0x2e;

/** The names that a path is made of, `.` and empty ones left out. */
export function components(path: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let from = 0;
  while (from < path.length) {
    const slash = path.indexOf(SLASH, from);
    const to = slash === -1 ? path.length : slash;
    const part = path.subarray(from, to);
    if (part.length > 0 && !isDots(part, 1)) parts.push(part);
    from = to + 1;
  }
  return parts;
}

/** A cleaned path's directory and last name. */
export function splitPath(path: Uint8Array): readonly [Uint8Array, Uint8Array] {
  const slash = path.lastIndexOf(SLASH);
  return [path.subarray(0, Math.max(slash, 0)), path.subarray(slash + 1)];
}

/** Bytes of a cleaned path without its last `count` names. */
export function lengthWithout(path: Uint8Array, count: number): number {
  let length = path.length;
  for (let left = count; left > 0; left -= 1) {
    length = Math.max(path.lastIndexOf(SLASH, length - 1), 0);
  }
  return length;
}

export function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  if (bytes.length < prefix.length) return false;
  for (let index = 0; index < prefix.length; index += 1) {
    if (bytes[index] !== prefix[index]) return false;
  }
  return true;
}

export function isDots(name: Uint8Array, count: number): boolean {
  return name.length === count && name.every((byte) => byte === DOT);
}

/** A path for a message: escaped, so that no name can speak to a terminal. */
export function text(path: Uint8Array): string {
  return JSON.stringify(Buffer.from(path).toString("utf8").slice(0, 300));
}

/** One character for each byte. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
