import { limitError, viewOf } from "../base/index.ts";
import type { Xattr } from "../layers/index.ts";
import { placeOf, type ImageTables } from "./image-tables.ts";
import type { MetadataCursor } from "./metadata-area.ts";
import { refusal } from "./squashfs-error.ts";

const PREFIXES: readonly Uint8Array[] = ["user.", "trusted.", "security."].map((prefix) =>
  Buffer.from(prefix),
);
const OUT_OF_LINE = 0x0100;
const REFERENCE_BYTES = 8;
/** The longest name that Linux knows, namespace included. */
const MOST_NAME = 255;

/** Reads the pairs of one set, counting their bytes. */
interface SetReader {
  readonly image: ImageTables;
  readonly pairs: NonNullable<ImageTables["xattrs"]>["pairs"];
  readonly cursor: MetadataCursor;
  readonly what: string;
  bytes: number;
}

/**
 * The extended attributes of set `set`, in the order in which they are stored.
 *
 * @param set - below the number of sets
 * @throws SquashfsError `SQUASHFS_XATTR`, `SQUASHFS_BLOCK`, `SQUASHFS_TABLE`
 * @throws LimitError `LIMIT_XATTR_BYTES`
 * @see squashfs 4.0, extended attributes
 */
export async function readXattrs(image: ImageTables, set: number): Promise<readonly Xattr[]> {
  if (image.xattrs === undefined) throw new Error("an attribute set of an image without them");
  const { pairs, sets } = image.xattrs;
  const view = viewOf(await sets.entry(set));
  const cursor = pairs.cursor(placeOf(view.getBigUint64(0, true)));
  const count = view.getUint32(8, true);
  const reader: SetReader = { image, pairs, cursor, what: `attribute set ${set}`, bytes: 0 };
  const names = new Set<string>();
  const xattrs: Xattr[] = [];
  for (let index = 0; index < count; index += 1) {
    const xattr = await readPair(reader);
    const key = Buffer.from(xattr.name).toString("latin1");
    if (names.has(key)) {
      throw refusal("SQUASHFS_XATTR", reader.what, "each name once", JSON.stringify(key));
    }
    names.add(key);
    xattrs.push(xattr);
  }
  return xattrs;
}

async function readPair(reader: SetReader): Promise<Xattr> {
  const { cursor, what } = reader;
  const head = viewOf(await cursor.read(4));
  const type = head.getUint16(0, true);
  const prefix = PREFIXES[type & ~OUT_OF_LINE];
  if (prefix === undefined) throw refusal("SQUASHFS_XATTR", what, "a type from 0 to 2", type);
  const length = head.getUint16(2, true);
  if (length === 0 || prefix.length + length > MOST_NAME) {
    throw refusal("SQUASHFS_XATTR", what, `a name of at most ${MOST_NAME} bytes`, length);
  }
  count(reader, prefix.length + length);
  const rest = await cursor.read(length);
  if (rest.includes(0)) throw refusal("SQUASHFS_XATTR", what, "a name without NUL", "one with it");
  const name = Buffer.concat([prefix, rest]);
  const isInline = (type & OUT_OF_LINE) === 0;
  return { name, value: isInline ? await readValue(reader, cursor) : await readFarValue(reader) };
}

/** A value that is stored elsewhere in the table, where several sets share it. */
async function readFarValue(reader: SetReader): Promise<Uint8Array> {
  const view = viewOf(await reader.cursor.read(4 + REFERENCE_BYTES));
  const length = view.getUint32(0, true);
  if (length !== REFERENCE_BYTES) {
    const expected = `a reference of ${REFERENCE_BYTES} bytes`;
    throw refusal("SQUASHFS_XATTR", reader.what, expected, length);
  }
  const cursor = reader.pairs.cursor(placeOf(view.getBigUint64(4, true)));
  return await readValue(reader, cursor);
}

async function readValue(reader: SetReader, cursor: MetadataCursor): Promise<Uint8Array> {
  const length = viewOf(await cursor.read(4)).getUint32(0, true);
  count(reader, length);
  return (await cursor.read(length)).slice();
}

/** Before anything of that size is read: names and values of hostile sets have no other bound. */
function count(reader: SetReader, bytes: number): void {
  const { limits } = reader.image;
  reader.bytes += bytes;
  if (reader.bytes > limits.xattrBytes) {
    throw limitError(limits, "xattrBytes", `squashfs ${reader.what}`, reader.bytes);
  }
}
