import { quoteBytes, tarError, type TarContext } from "./tar-context.ts";

/** Everything in a tar archive stands in blocks of this many bytes. */
export const BLOCK_BYTES = 512;

/** Bytes between the end of `size` bytes and the next block. */
export function paddingOf(size: number): number {
  const over = size % BLOCK_BYTES;
  return over === 0 ? 0 : BLOCK_BYTES - over;
}

/** Where a field stands in a header block. */
export interface Field {
  readonly name: string;
  readonly at: number;
  readonly bytes: number;
}

type FieldName =
  | "name"
  | "mode"
  | "uid"
  | "gid"
  | "size"
  | "mtime"
  | "checksum"
  | "linkName"
  | "deviceMajor"
  | "deviceMinor"
  | "prefix"
  | "starPrefix"
  | "sparseRealSize";

export const FIELDS: Readonly<Record<FieldName, Field>> = {
  name: { name: "name", at: 0, bytes: 100 },
  mode: { name: "mode", at: 100, bytes: 8 },
  uid: { name: "uid", at: 108, bytes: 8 },
  gid: { name: "gid", at: 116, bytes: 8 },
  size: { name: "size", at: 124, bytes: 12 },
  mtime: { name: "mtime", at: 136, bytes: 12 },
  checksum: { name: "checksum", at: 148, bytes: 8 },
  linkName: { name: "linkname", at: 157, bytes: 100 },
  deviceMajor: { name: "devmajor", at: 329, bytes: 8 },
  deviceMinor: { name: "devminor", at: 337, bytes: 8 },
  prefix: { name: "prefix", at: 345, bytes: 155 },
  starPrefix: { name: "prefix", at: 345, bytes: 131 },
  sparseRealSize: { name: "realsize", at: 483, bytes: 12 },
};

/** Offset of the byte that says what an entry is. */
export const TYPE_AT = 156;

export type HeaderFormat = "v7" | "ustar" | "gnu" | "star";

/** Which fields of `block` mean something: decided by its magic alone. */
export function headerFormat(block: Uint8Array): HeaderFormat {
  if (!isTextAt(block, 257, "ustar")) return "v7";
  if (block[262] === 0x20) return "gnu";
  if (block[262] !== 0) return "v7";
  return isTextAt(block, 508, "tar\0") ? "star" : "ustar";
}

function isTextAt(block: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (block[at + i] !== text.charCodeAt(i)) return false;
  }
  return true;
}

/** Whether `block` is a header, the zeros that end an archive, or neither, by its checksum. */
export function judgeBlock(block: Uint8Array): "header" | "zeros" | "neither" {
  let sum = 0;
  for (let i = 0; i < BLOCK_BYTES; i++) sum += block[i] ?? 0;
  if (sum === 0) return "zeros";
  const expected = readNumber(block, FIELDS.checksum);
  if (expected === undefined) return "neither";
  const { at, bytes } = FIELDS.checksum;
  for (let i = at; i < at + bytes; i++) sum += 0x20 - (block[i] ?? 0);
  if (sum === expected) return "header";
  // Old tar programs on machines with signed chars counted every byte from 128 on as negative.
  for (let i = 0; i < BLOCK_BYTES; i++) {
    const outside = i < at || i >= at + bytes;
    if (outside && (block[i] ?? 0) >= 128) sum -= 256;
  }
  return sum === expected ? "header" : "neither";
}

/** The bytes of a text field up to its first NUL: a view. */
export function textField(block: Uint8Array, field: Field): Uint8Array {
  const end = field.at + field.bytes;
  let to = field.at;
  while (to < end && block[to] !== 0) to++;
  return block.subarray(field.at, to);
}

/**
 * The number in a field: octal digits after blanks and before a blank, NUL or the field's end (none
 * at all is 0), or base-256.
 *
 * @returns an integer within ±2^53
 * @throws LayerError `TAR_HEADER` for anything else
 * @see layers.md §3
 */
export function numberField(block: Uint8Array, field: Field, context: TarContext): number {
  const value = readNumber(block, field);
  if (value !== undefined) return value;
  const raw = quoteBytes(block.subarray(field.at, field.at + field.bytes));
  throw tarError(
    context,
    "TAR_HEADER",
    `field ${field.name}: expected an octal or base-256 number within 2^53, got ${raw}`,
  );
}

function readNumber(block: Uint8Array, field: Field): number | undefined {
  const first = block[field.at] ?? 0;
  return first >= 0x80 ? readBase256(block, field) : readOctal(block, field);
}

function readOctal(block: Uint8Array, { at, bytes }: Field): number | undefined {
  const end = at + bytes;
  let from = at;
  while (from < end && block[from] === 0x20) from++;
  let value = 0;
  let to = from;
  for (; to < end; to++) {
    const digit = (block[to] ?? 0) - 0x30;
    if (digit < 0 || digit > 7) break;
    value = value * 8 + digit;
  }
  if (to < end && block[to] !== 0 && block[to] !== 0x20) return undefined;
  // Digits behind a leading NUL are 0 to GNU tar and a number to Go: neither reading is safe.
  if (to === from && block.subarray(to, end).some((byte) => byte !== 0 && byte !== 0x20)) {
    return undefined;
  }
  return value;
}

function readBase256(block: Uint8Array, { at, bytes }: Field): number | undefined {
  const isNegative = ((block[at] ?? 0) & 0x40) !== 0;
  const flip = isNegative ? 0xff : 0;
  let value = ((block[at] ?? 0) ^ flip) & 0x3f;
  for (let i = at + 1; i < at + bytes; i++) {
    value = value * 256 + ((block[i] ?? 0) ^ flip);
    if (value > 2 ** 53) return undefined;
  }
  return isNegative ? -1 - value : value;
}
