/** One value in DER: its tag as it stands there, and its contents. */
export interface DerValue {
  readonly tag: number;
  readonly content: Uint8Array;
}

const CONSTRUCTED = 0x20;

/** Reads one value that fills `bytes`; undefined for anything else. */
export function parseDer(bytes: Uint8Array): DerValue | undefined {
  const values = readAll(bytes);
  return values?.length === 1 ? values[0] : undefined;
}

/** The values in a constructed one; undefined for a primitive one, or where they cannot be read. */
export function childrenOf(value: DerValue | undefined): readonly DerValue[] | undefined {
  if (value === undefined || (value.tag & CONSTRUCTED) === 0) return undefined;
  return readAll(value.content);
}

function readAll(bytes: Uint8Array): readonly DerValue[] | undefined {
  const values: DerValue[] = [];
  let at = 0;
  while (at < bytes.length) {
    const tag = bytes[at] ?? 0;
    const length = lengthAt(bytes, at + 1);
    // Tags of more than one byte are in no certificate.
    if ((tag & 0x1f) === 0x1f || length === undefined) return undefined;
    const start = at + 1 + length.bytes;
    const end = start + length.value;
    if (end > bytes.length) return undefined;
    values.push({ tag, content: bytes.subarray(start, end) });
    at = end;
  }
  return values;
}

/** @see X.690 §10.1: definite, and in as few bytes as there can be */
function lengthAt(bytes: Uint8Array, at: number): { value: number; bytes: number } | undefined {
  const first = bytes[at];
  if (first === undefined) return undefined;
  if (first < 0x80) return { value: first, bytes: 1 };
  const count = first & 0x7f;
  if (count === 0 || count > 4 || at + count >= bytes.length) return undefined;
  let value = 0;
  for (let n = 1; n <= count; n += 1) value = value * 256 + (bytes[at + n] ?? 0);
  const isShortest = value >= 0x80 && value >= 256 ** (count - 1);
  return isShortest ? { value, bytes: count + 1 } : undefined;
}
